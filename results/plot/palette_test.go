package plot

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// light is the linear light of a colour's red, green and blue.
func light(t *testing.T, hex string) [3]float64 {
	t.Helper()
	var rgb [3]uint8
	if n, err := fmt.Sscanf(hex, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); n != 3 || err != nil || len(hex) != 7 {
		t.Fatalf("%q is no colour: %v", hex, err)
	}
	var out [3]float64
	for i, c := range rgb {
		v := float64(c) / 255
		if v <= 0.04045 {
			out[i] = v / 12.92
		} else {
			out[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return out
}

// luminance and contrast are those of WCAG 2.
func luminance(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(light(t, a))+0.05, luminance(light(t, b))+0.05
	return max(x, y) / min(x, y)
}

func TestInksStandOutFromTheirGround(t *testing.T) {
	words := map[Role][]Role{
		Ground: {Ink, Muted, Kept, Broken, Inconclusive, Observed, Absent},
		Soft:   {Ink}, KeptGround: {Kept}, BrokenGround: {Broken}, InconclusiveGround: {Inconclusive}, ObservedGround: {Observed}, AbsentGround: {Absent},
		Heal: {Ink},
	}
	marks := []Role{Sent, Acked, Applied, KeptEdge, BrokenEdge, ObservedEdge, Series1, Series2, Series3, Series4, Series5, Series6, Series7}
	for _, th := range Themes() {
		for ground, inks := range words {
			for _, ink := range inks {
				if c := contrast(t, th.Hex(ink), th.Hex(ground)); c < 4.5 {
					t.Errorf("%s: words in %s on %s have a contrast of %.2f, want 4.5", th, Palette()[ink].Name, Palette()[ground].Name, c)
				}
			}
		}
		for _, ink := range marks {
			if c := contrast(t, th.Hex(ink), th.Hex(Ground)); c < 3 {
				t.Errorf("%s: marks in %s have a contrast of %.2f, want 3", th, Palette()[ink].Name, c)
			}
		}
	}
}

// Sight is a kind of colour vision as a matrix on linear light: the full forms of Machado, Oliveira and Fernandes (2009).
var sights = map[string][3][3]float64{
	"full":         {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func seen(c [3]float64, m [3][3]float64) [3]float64 {
	var out [3]float64
	for i := range 3 {
		out[i] = min(1, max(0, m[i][0]*c[0]+m[i][1]*c[1]+m[i][2]*c[2]))
	}
	return out
}

// oklab is Ottosson's space, in which distances are about as large as they look: black to white is 1.
func oklab(c [3]float64) [3]float64 {
	l := math.Cbrt(0.4122214708*c[0] + 0.5363325363*c[1] + 0.0514459929*c[2])
	m := math.Cbrt(0.2119034982*c[0] + 0.6806995451*c[1] + 0.1073969566*c[2])
	s := math.Cbrt(0.0883024619*c[0] + 0.2817188376*c[1] + 0.6299787005*c[2])
	return [3]float64{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, 1.9779984951*l - 2.4285922050*m + 0.4505937099*s, 0.0259040371*l + 0.7827717662*m - 0.8086757660*s}
}

func TestSeriesStayApartForEveryKindOfSight(t *testing.T) {
	pairs := [][2]Role{{Acked, Applied}, {KeptEdge, BrokenEdge}, {Series1, BrokenEdge}}
	for i := range SeriesCount {
		for j := range i {
			pairs = append(pairs, [2]Role{Series1 + Role(i), Series1 + Role(j)})
		}
	}
	const least = 0.08 // four times what is just told apart side by side
	for name, m := range sights {
		for _, th := range Themes() {
			for _, p := range pairs {
				a, b := oklab(seen(light(t, th.Hex(p[0])), m)), oklab(seen(light(t, th.Hex(p[1])), m))
				if d := math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]); d < least {
					t.Errorf("%s, %s: %s and %s are %.3f apart, want %.2f", name, th, Palette()[p[0]].Name, Palette()[p[1]].Name, d, least)
				}
			}
		}
	}
}

func TestEverySeriesDiffersInShapeOrDashFromThoseOfItsColour(t *testing.T) {
	seen := map[string]int{}
	for i := range 2 * SeriesCount {
		k := seriesOf(i)
		look := fmt.Sprint(k.shape, len(k.dashes))
		if j, twice := seen[look]; twice {
			t.Errorf("series %d and %d look alike in grey print", j, i)
		}
		seen[look] = i
	}
}

func TestTheStyleSheetHasEveryColourTwice(t *testing.T) {
	css := CSS()
	if got, want := len(Palette()), int(Series7)+1; got != want {
		t.Fatalf("%d colours for %d roles", got, want)
	}
	for _, c := range Palette() {
		for _, want := range []string{"--" + c.Name + ":" + c.Light + ";", "--" + c.Name + ":" + c.Dark + ";"} {
			if !strings.Contains(css, want) {
				t.Errorf("the style sheet lacks %s", want)
			}
		}
	}
}
