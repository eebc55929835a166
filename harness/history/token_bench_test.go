package history

import "testing"

func BenchmarkToken(b *testing.B) {
	payload := []byte("the quick brown fox jumps over the lazy dog, and again: the quick brown fox jumps over the lazy dog, and so on to the 128th byte")
	m := Msg{Life: 3, Seq: 1_234_567}
	token := Token("testrun1", m, 0xabcdef01)
	b.Run("checksum", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Checksum(m, 7, payload)
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		buffer := make([]byte, 0, TokenLen)
		for b.Loop() {
			AppendToken(buffer, "testrun1", m, 0xabcdef01)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, _, err := ParseToken(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
