// Package maven fetches jars through Apache Maven, keeps account of whether they are as they were fetched, and finds the Java that runs them.
//
// Which jars a product consists of, and how it is run, its target knows: a project file is given to Maven as it is.
package maven
