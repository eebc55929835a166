package workloads

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

var stamp = Stamp{Run: "run45678", Seed: 7, Size: 48, Keys: 4}

func msgs() *rapid.Generator[history.Msg] {
	return rapid.Custom(func(t *rapid.T) history.Msg {
		return history.Msg{Life: history.Life(rapid.Uint32Range(1, 99_999).Draw(t, "life")), Seq: rapid.Uint64Range(1, 9_999_999_999).Draw(t, "seq")}
	})
}

func stamps() *rapid.Generator[Stamp] {
	return rapid.Custom(func(t *rapid.T) Stamp {
		return Stamp{Run: rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "run"), Seed: rapid.Uint64().Draw(t, "seed"),
			Size: rapid.IntRange(1, 300).Draw(t, "size"), Keys: rapid.IntRange(1, 100).Draw(t, "keys")}
	})
}

func TestARetryCarriesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := stamps().Draw(t, "stamp"), msgs().Draw(t, "msg")
		again := s // a stamp has no state: neither what was made before nor the process matters
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			again.Payload(msgs().Draw(t, "other"))
		}
		p, q := s.Payload(m), again.Payload(m)
		if !bytes.Equal(p, q) || s.Key(m) != again.Key(m) || s.Token(m, p) != again.Token(m, q) {
			t.Fatalf("%v: %q under %d, then %q under %d", m, p, s.Key(m), q, again.Key(m))
		}
		if len(p) != s.Size || int(s.Key(m)) >= max(s.Keys, 1) {
			t.Fatalf("payload of %d bytes under key %d, want %d bytes and a key below %d", len(p), s.Key(m), s.Size, s.Keys)
		}
		for _, b := range p {
			if b < ' ' || b > '~' {
				t.Fatalf("payload %q cannot be read in a broker's files", p)
			}
		}
		if got, flags, text := s.Identify(s.Token(m, p), s.Key(m), p); got != m || flags != 0 || text != "" {
			t.Fatalf("identified as %v, flags %b, %q: want %v", got, flags, text, m)
		}
	})
}

func TestMessagesOfOneRunDiffer(t *testing.T) {
	seen := map[string]history.Msg{}
	for life := range history.Life(20) {
		for seq := range uint64(200) {
			m := history.Msg{Life: life + 1, Seq: seq + 1}
			p := string(stamp.Payload(m))
			if other, twice := seen[p]; twice {
				t.Fatalf("%v and %v have the same payload: one under the token of the other would go unseen", other, m)
			}
			seen[p] = m
		}
	}
}

func TestIdentifyNamesWhatIsWrong(t *testing.T) {
	m := history.Msg{Life: 3, Seq: 41}
	payload := stamp.Payload(m)
	token, key := stamp.Token(m, payload), stamp.Key(m)
	other := stamp
	other.Run = "run99999"
	sibling := history.Msg{Life: 4, Seq: 41}
	flipped := bytes.Clone(payload)
	flipped[17] ^= 1
	for _, c := range []struct {
		claim   string
		token   string
		key     uint32
		payload []byte
		msg     history.Msg
		flags   history.Flags
		text    string
	}{
		{"what was sent is whole", token, key, payload, m, 0, ""},
		{"another key is corrupt", token, key + 1, payload, m, history.Corrupt, ""},
		{"one flipped bit of the payload is corrupt", token, key, flipped, m, history.Corrupt, ""},
		{"a payload cut short is corrupt", token, key, payload[:47], m, history.Corrupt, ""},
		{"an empty payload is corrupt", token, key, nil, m, history.Corrupt, ""},
		{"the payload of another life is corrupt", token, key, stamp.Payload(sibling), m, history.Corrupt, ""},
		{"a token of another life over this payload is corrupt", sibling.Prefix(stamp.Run) + token[len(token)-9:], key, payload, sibling, history.Corrupt, ""},
		{"a token of another run is foreign, and kept", other.Token(m, payload), key, payload, history.Msg{}, history.Foreign, other.Token(m, payload)},
		{"no token is foreign, and kept", "hello", key, payload, history.Msg{}, history.Foreign, "hello"},
		{"nothing is foreign", "", key, payload, history.Msg{}, history.Foreign, ""},
	} {
		got, flags, text := stamp.Identify(c.token, c.key, c.payload)
		if got != c.msg || flags != c.flags || text != c.text {
			t.Errorf("%s: got %v, flags %b, text %q; want %v, %b, %q", c.claim, got, flags, text, c.msg, c.flags, c.text)
		}
	}
}

// A CRC of 32 bits notices every burst of errors of up to 32 bits.
func TestAnyChangedByteIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := stamps().Draw(t, "stamp"), msgs().Draw(t, "msg")
		p := s.Payload(m)
		token, key := s.Token(m, p), s.Key(m)
		p[rapid.IntRange(0, len(p)-1).Draw(t, "at")] ^= rapid.ByteMin(1).Draw(t, "bits")
		if got, flags, _ := s.Identify(token, key, p); got != m || flags != history.Corrupt {
			t.Fatalf("identified as %v, flags %b: want %v and corrupt", got, flags, m)
		}
	})
}

func FuzzIdentify(f *testing.F) {
	m := history.Msg{Life: 3, Seq: 41}
	p := stamp.Payload(m)
	f.Add(stamp.Token(m, p), stamp.Key(m), p)
	f.Add(stamp.Token(m, p), uint32(9), p)
	f.Add("wb1-run99999-00003-0000000041-00000000", uint32(0), []byte{})
	f.Add("", uint32(0), []byte(nil))
	f.Fuzz(func(t *testing.T, token string, key uint32, payload []byte) {
		m, flags, text := stamp.Identify(token, key, payload)
		switch flags {
		case 0, history.Corrupt:
			whole := history.Token(stamp.Run, m, history.Checksum(m, key, payload)) == token
			if whole != (flags == 0) || text != "" {
				t.Errorf("%q is %v with flags %b and text %q, and its checksum fits: %v", token, m, flags, text, whole)
			}
		case history.Foreign:
			if run, _, _, err := history.ParseToken(token); err == nil && run == stamp.Run {
				t.Errorf("%q is of this run, and called foreign", token)
			}
			if m != (history.Msg{}) || text != token {
				t.Errorf("foreign %q names message %v and text %q", token, m, text)
			}
		default:
			t.Errorf("%q has flags %b", token, flags)
		}
	})
}

func TestAMessageIsAsLongAsItsLoadSays(t *testing.T) {
	for _, c := range []struct {
		claim   string
		load    experiment.Load
		payload int
	}{
		{"with its token", experiment.Load{Size: 128, Keys: 4}, 128 - history.TokenLen},
		{"of which nothing is recorded", experiment.Load{Size: 128, Keys: 4, Record: experiment.NoEvents}, 128 - history.TokenLen},
		{"without a token", experiment.Load{Size: 128, Keys: 4, Record: experiment.NoTokens}, 128},
		{"but for what must be there", experiment.Load{Size: 5, Keys: 4}, 1},
	} {
		s := NewStamp("01234567", 9, c.load)
		if got := len(s.Payload(history.Msg{Life: 1, Seq: 1})); got != c.payload || s.Run != "01234567" || s.Seed != 9 || s.Keys != 4 {
			t.Errorf("%s: a payload of %d bytes, want %d: %+v", c.claim, got, c.payload, s)
		}
	}
}
