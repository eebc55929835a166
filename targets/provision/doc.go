// Package provision is what fetching and building a product takes, outside any lab: programs that end with this process, a lock on a
// folder that several processes fill, and files that are there as a whole or not at all.
//
// It knows no product, and no way to fetch one.
package provision
