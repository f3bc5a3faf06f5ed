package copier

import "sort"

// scale is a relation laid out in an order in which it can be cut: positions
// from 0 to last, and how its weight lies between them. What a scale says of the
// weight may be wrong, and then parts are unequal; positions are always in order,
// so that parts between them hold every row once.
type scale interface {
	// at is the position below which a share of the weight lies, from 0 to 1.
	at(share float64) int64
	// last is the position behind all rows.
	last() int64
	// between makes p the part from one position to another.
	between(p Part, from, to int64) Part
}

// cuts is where a part lies on its relation's scale.
type cuts struct {
	scale
	from, to  int64
	low, high float64 // shares of the scale's weight
}

// divide cuts a part by weights. Parts between which the scale has no position
// stay one: TOAST may weigh more than there are blocks to share, or a key have
// fewer values.
func (p Part) divide(weights []int64) []Part {
	if p.cuts == nil || len(weights) < 2 {
		return []Part{p}
	}
	whole := *p.cuts
	var total float64
	for _, w := range weights {
		total += float64(w)
	}
	var parts []Part
	var before, bytes int64
	at := whole
	for i, w := range weights {
		before += w
		bytes += w
		at.high, at.to = whole.high, whole.to
		if i < len(weights)-1 {
			at.high = whole.low + (whole.high-whole.low)*float64(before)/total
			at.to = whole.at(at.high)
			if at.to <= at.from || at.to >= whole.to {
				continue
			}
		}
		next := whole.between(p, at.from, at.to)
		place := at
		next.Bytes, next.cuts = bytes, &place
		parts = append(parts, next)
		at.from, at.low, bytes = at.to, at.high, 0
	}
	if len(parts) == 1 {
		parts[0] = p
		parts[0].cuts = nil // it cannot be cut
	}
	return parts
}

// pieces cuts a part that is not begun into n at most, of about equal weight.
func (p Part) pieces(n int64) []Part {
	weights := make([]int64, max(n, 1))
	for i := range weights {
		weights[i] = p.Bytes / int64(len(weights))
	}
	weights[0] += p.Bytes % int64(len(weights))
	return p.divide(weights)
}

// evenBlocks are blocks of which each weighs the same.
type evenBlocks struct {
	first, end int64
	open       bool // the last part goes to the end, wherever that is by then
}

func (s evenBlocks) at(share float64) int64 { return s.first + int64(float64(s.end-s.first)*share) }

func (s evenBlocks) last() int64 { return s.end }

func (s evenBlocks) between(p Part, from, to int64) Part {
	p.Blocks, p.First, p.End = true, from, to
	if s.open && to == s.end {
		p.End = 0
	}
	return p
}

// sampledBlocks are blocks of which some were weighed: each stands for those
// after it, up to the next.
type sampledBlocks struct {
	evenBlocks
	blocks []int64   // the first block that each sample stands for; the first is 0
	upto   []float64 // the weight up to and with each sample
}

func (s *sampledBlocks) at(share float64) int64 {
	want := share * s.upto[len(s.upto)-1]
	i := sort.SearchFloat64s(s.upto, want)
	if i == len(s.upto) {
		return s.end
	}
	from, to, before := s.blocks[i], s.end, 0.0
	if i+1 < len(s.blocks) {
		to = s.blocks[i+1]
	}
	if i > 0 {
		before = s.upto[i-1]
	}
	if s.upto[i] > before {
		from += int64(float64(to-from) * (want - before) / (s.upto[i] - before))
	}
	return from
}

// sampledKeys are values of a key in its order: position i is at the i-th of
// them, 0 before all rows, and last behind them.
type sampledKeys struct {
	key    *uniqueKey
	values [][]string // of position 1 on
	shares []float64  // of the weight that lies below each, ascending
}

func (s *sampledKeys) at(share float64) int64 {
	i := sort.SearchFloat64s(s.shares, share)
	// The nearer of the two.
	if i == len(s.shares) || i > 0 && share-s.shares[i-1] < s.shares[i]-share {
		i--
	}
	return int64(i + 1)
}

func (s *sampledKeys) last() int64 { return int64(len(s.values) + 1) }

func (s *sampledKeys) between(p Part, from, to int64) Part {
	r := &KeyRange{Columns: s.key.columns}
	if from > 0 {
		r.Lower = s.values[from-1]
	}
	if to < s.last() {
		r.Upper = s.values[to-1]
	}
	p.Keys = r
	return p
}
