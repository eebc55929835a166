// Package window cuts the operations around a violation out of a history, and draws them with porcupine.
//
// A window is small, so that porcupine (github.com/anishathalye/porcupine), which searches and may take exponential time, answers at once:
// its models of the queue and of the log are here, they are what the fast checks of package linear are tested against, and its page shows how
// far every attempt to put the operations in sequence came.
//
// The page is one file which needs no network. The package decides nothing about a run: the fast check has, over all of the history, and
// what is drawn is a part.
package window
