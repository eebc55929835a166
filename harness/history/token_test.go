package history

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestATokenNamesItsMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.StringMatching(`[a-z0-9]{8}`).Draw(t, "run")
		m := Msg{Life(rapid.Uint32Range(0, 99_999).Draw(t, "life")), rapid.Uint64Range(0, 9_999_999_999).Draw(t, "seq")}
		sum := rapid.Uint32().Draw(t, "sum")
		token := Token(run, m, sum)
		if len(token) != TokenLen || !strings.HasPrefix(token, m.Prefix(run)) {
			t.Errorf("token %q: length %d, want %d and the prefix %q", token, len(token), TokenLen, m.Prefix(run))
		}
		gotRun, gotMsg, gotSum, err := ParseToken(token)
		if err != nil || gotRun != run || gotMsg != m || gotSum != sum {
			t.Errorf("parsed: %q %v %x, error %v", gotRun, gotMsg, gotSum, err)
		}
	})
}

func TestWhatNoProducerWroteIsNotAToken(t *testing.T) {
	good := Token("testrun1", Msg{3, 77}, 0xabcdef01)
	for name, s := range map[string]string{
		"empty":                    "",
		"cut":                      good[:TokenLen-1],
		"longer":                   good + "0",
		"another version":          strings.Replace(good, "wb1", "wb2", 1),
		"a sign in a number":       strings.Replace(good, "-00003-", "-+0003-", 1),
		"upper case":               strings.ToUpper(good),
		"an upper-case checksum":   good[:TokenLen-8] + "ABCDEF01",
		"letters in a number":      strings.Replace(good, "0000000077", "00000000x7", 1),
		"a hyphen in the run":      strings.Replace(good, "testrun1", "test-un1", 1),
		"letters beyond f":         good[:TokenLen-8] + "abcdefgo",
		"letters in a life":        strings.Replace(good, "-00003-", "-0000a-", 1),
		"what comes after nine":    strings.Replace(good, "0000000077", "000000007:", 1),
		"no digits at all":         strings.Replace(good, "0000000077", "\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0", 1),
		"no digits in a checksum":  good[:TokenLen-8] + "\xb0bcdef01",
		"hyphens in another place": "wb1-testrun-100003-0000000077-abcdef01",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := ParseToken(s); !errors.Is(err, ErrNotToken) {
				t.Errorf("%q: error %v, want %v", s, err, ErrNotToken)
			}
		})
	}
}

func TestATokenWithAnotherByteIsAnotherTokenOrNone(t *testing.T) {
	good := []byte(Token("testrun1", Msg{12345, 1_234_567_890}, 0x09afbc01))
	for at := range good {
		for b := range 256 {
			s := string(good[:at]) + string([]byte{byte(b)}) + string(good[at+1:])
			run, m, sum, err := ParseToken(s)
			if err == nil && Token(run, m, sum) != s {
				t.Errorf("%q is read as %q", s, Token(run, m, sum))
			}
			if digit := b >= '0' && b <= '9'; err != nil && (at >= tokenSeq && at < tokenSum-1 && digit || at >= tokenSum && (digit || b >= 'a' && b <= 'f')) {
				t.Errorf("%q: %v", s, err)
			}
		}
	}
}

func TestAChecksumOfPartsIsThatOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
		m := Msg{Life(rapid.Uint32().Draw(t, "life")), rapid.Uint64().Draw(t, "seq")}
		key := rapid.Uint32().Draw(t, "key")
		s := NewSized(len(payload))
		if got, want := s.Checksum(m, key, s.Part(payload)), Checksum(m, key, payload); got != want {
			t.Errorf("of %v, key %d and %d bytes: %x of parts, %x of the whole", m, key, len(payload), got, want)
		}
	})
}

func TestTheChecksumCoversMessageKeyAndPayload(t *testing.T) {
	m := Msg{3, 77}
	sum := Checksum(m, 5, []byte("payload"))
	for name, other := range map[string]uint32{
		"life":    Checksum(Msg{4, 77}, 5, []byte("payload")),
		"seq":     Checksum(Msg{3, 78}, 5, []byte("payload")),
		"key":     Checksum(m, 6, []byte("payload")),
		"payload": Checksum(m, 5, []byte("paxload")),
		"length":  Checksum(m, math.MaxUint32, nil),
	} {
		if other == sum {
			t.Errorf("another %s has the same checksum", name)
		}
	}
	if Checksum(m, 5, []byte("payload")) != sum {
		t.Error("the checksum differs from one time to the next")
	}
}
