package plot

// keyed is an entry of a key: a sample, and what it means.
type keyed struct {
	says  string
	width float64 // of the sample
	draw  func(s *sheet, p point)
}

// key is entries that flow into lines.
type key struct {
	width   float64
	entries []keyed
}

const (
	keyLine = 18.0
	keyGap  = 18.0
)

// places are where each entry goes, and the height of all.
func (k key) places() ([]point, float64) {
	var ps []point
	x, y := 0.0, 0.0
	for _, e := range k.entries {
		w := e.width + 6 + noteStyle.width(e.says)
		if x > 0 && x+w > k.width {
			x, y = 0, y+keyLine
		}
		ps = append(ps, point{x, y})
		x += w + keyGap
	}
	if len(ps) == 0 {
		return nil, 0
	}
	return ps, y + keyLine
}

func (k key) height() float64 {
	_, h := k.places()
	return h
}

func (k key) draw(s *sheet, x, y float64) {
	ps, _ := k.places()
	for i, e := range k.entries {
		p := point{x + ps[i].x, y + ps[i].y}
		e.draw(s, point{p.x + e.width/2, p.y + keyLine/2})
		s.text(noteStyle, p.x+e.width+6, p.y+keyLine/2+4, fit(e.says, noteStyle, k.width-e.width-6))
	}
}
