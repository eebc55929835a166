package disk

import "testing"

func BenchmarkContent(b *testing.B) {
	for _, c := range []struct {
		claim string
		size  int64
		sync  int64 // after so many bytes
	}{
		{"1 MiB writes, synced every 64 MiB", 1 << 20, 64 << 20},
		{"4 KiB writes, each synced", 4096, 4096},
		{"100 B appends, synced every 1 MiB", 100, 1 << 20},
	} {
		b.Run(c.claim, func(b *testing.B) {
			v := benchVolume(b)
			data := make([]byte, c.size)
			n, err := v.create(nil, v.root, "f", 0, 0o644, owner{})
			must(b, err)
			b.SetBytes(c.size)
			at := int64(0)
			for b.Loop() {
				must(b, v.write(nil, n, data, at%(64<<20), false))
				if at += c.size; at%c.sync < c.size {
					must(b, v.fsync(nil, n))
				}
			}
		})
	}
}

func benchVolume(b *testing.B) *volume {
	v, err := newVolume("d", memoryDir(b), Model{}, 1, &gate{}, newMemory(1<<30))
	must(b, err)
	b.Cleanup(v.close)
	return v
}
