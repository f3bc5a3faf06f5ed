package ddlgen

import (
	"hash/maphash"
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// register finds the positions of statements by their IDs and by the objects that
// they make. It keeps hashes alone, since the statements have the rest: a plan of
// a hundred thousand tables has a million objects.
type register struct {
	seed    maphash.Seed
	ids     positions
	objects positions
}

func newRegister() register { return register{seed: maphash.MakeSeed()} }

// position is where a statement of an ID stands; -1 where there is none.
func (p *planner) position(id string) int {
	return p.register.ids.find(maphash.String(p.register.seed, id), func(i int) bool { return p.statements[i].ID == id })
}

// statement finds a statement by its ID; nil where there is none.
func (p *planner) statement(id string) *Statement {
	if i := p.position(id); i >= 0 {
		return &p.statements[i]
	}
	return nil
}

// maker is the ID of the first statement that makes an object; empty where none
// does.
func (p *planner) maker(o finding.Object) string {
	i := p.register.objects.find(maphash.Comparable(p.register.seed, o), func(i int) bool {
		s := &p.statements[i]
		return s.Object == o || slices.Contains(s.Carries, o)
	})
	if i < 0 {
		return ""
	}
	return p.statements[i].ID
}

// makes notes the first statement that makes an object. Columns are their
// table's, and too many to be noted.
func (p *planner) makes(i int, o finding.Object) {
	if o.Kind != "column" && p.maker(o) == "" {
		p.register.objects.put(maphash.Comparable(p.register.seed, o), i)
	}
}

// positions are numbers by hashes of what they stand for, in open addressing.
type positions struct {
	hashes []uint64 // a power of two of them, at most three quarters taken
	next   []int32  // the position and one; 0 is free
	taken  int
}

// find is the first position of a hash that is the one; -1 where there is none.
func (p *positions) find(hash uint64, is func(i int) bool) int {
	if len(p.next) == 0 {
		return -1
	}
	mask := uint64(len(p.next) - 1) //nolint:gosec // it has some
	for at := hash & mask; p.next[at] != 0; at = (at + 1) & mask {
		if i := int(p.next[at] - 1); p.hashes[at] == hash && is(i) {
			return i
		}
	}
	return -1
}

func (p *positions) put(hash uint64, i int) {
	if 4*(p.taken+1) > 3*len(p.next) {
		old := *p
		size := max(64, 2*len(old.next))
		p.hashes, p.next = make([]uint64, size), make([]int32, size)
		for at, n := range old.next {
			if n != 0 {
				p.insert(old.hashes[at], n)
			}
		}
	}
	p.taken++
	p.insert(hash, int32(i+1)) //nolint:gosec // nobody has 2^31 statements
}

func (p *positions) insert(hash uint64, n int32) {
	mask := uint64(len(p.next) - 1) //nolint:gosec // it has some
	at := hash & mask
	for p.next[at] != 0 {
		at = (at + 1) & mask
	}
	p.hashes[at], p.next[at] = hash, n
}
