package msgset

// poolBlock is how many elements a pool allocates at once.
const poolBlock = 32

// A pool hands out elements by index, so that a slot needs no pointer and the garbage collector has nothing to follow.
type pool[T any] struct {
	blocks []*[poolBlock]T
	used   uint32   // indexes below were handed out
	spare  []uint32 // of those, given back
}

func (p *pool[T]) at(i uint32) *T { return &p.blocks[i/poolBlock][i%poolBlock] }

// take returns the index of an element with any content.
func (p *pool[T]) take() uint32 {
	if n := len(p.spare); n > 0 {
		i := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return i
	}
	if p.used%poolBlock == 0 {
		p.blocks = append(p.blocks, new([poolBlock]T))
	}
	p.used++
	return p.used - 1
}

func (p *pool[T]) give(i uint32) { p.spare = append(p.spare, i) }

// pages are where the slots of one set have what does not fit them.
type pages struct {
	lists pool[list]
	maps  pool[words]
}
