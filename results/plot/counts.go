package plot

import "strconv"

// counts is how many runs, or pairs of runs, are behind each of several figures: the least and the most.
type counts struct{ least, most int }

func (c *counts) add(n int) {
	if c.most == 0 {
		c.least = n
	}
	c.least, c.most = min(c.least, n), max(c.most, n)
}

// String is "10", or "6 to 10".
func (c counts) String() string {
	if c.least == c.most {
		return strconv.Itoa(c.most)
	}
	return strconv.Itoa(c.least) + " to " + strconv.Itoa(c.most)
}
