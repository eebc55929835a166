// Package look is what all pages have in common: the head with its content security policy, the style sheet, the script that sorts tables, and
// how numbers, times and the words of strangers are written.
//
// A page made with it is one file. It asks the network for nothing, runs no script but the one embedded here, which its policy names by its
// hash, and is whole without that script. The package knows no run, benchmark or verdict, and draws no figure.
package look
