package copier

const (
	maxPartBytes = 1 << 30  // no part is larger, so that a lost one costs minutes
	minPartBytes = 32 << 20 // no relation below twice this is cut: a part costs a round trip or two
	shareOfJob   = 8        // and no part is larger than this share of what one job has to do

	minSlowPart = 1 << 20 // the least part where the target bounds its batches: there a part costs no more than a batch

	// The largest part there. It lasts minutes, over which connections are lost, and what
	// is committed of it is read once more each time: a second or two of a source.
	maxSlowPart = 64 << 20

	tidScanSince = 14 // the major that reads a range of blocks without reading the others
)

// cut is how relations are cut.
type cut struct {
	largest, smallest int64 // bytes of a part
	shrink            bool  // parts of a relation become smaller towards its end: over a long link
	major             int   // of the source
	by                SplitBy
}

// newCut chooses the sizes of parts. Over a long link, where the target bounds
// its batches, the time of a part is its bytes by the connection's rate, and
// what the last parts overhang is lost: each round of parts takes half of what
// is left, down to about a batch (factoring: Hummel, Schonberg, Flynn 1992). A
// target near by is bound by its processors, and many parts cost more there
// than they save.
func newCut(sizes []relationSize, batchBytes int64, jobs, major int, split Split) cut {
	var total int64
	for _, s := range sizes {
		total += s.Heap + s.Toast
	}
	perJob := total / int64(max(jobs, 1))
	c := cut{largest: min(maxPartBytes, max(minPartBytes, perJob/shareOfJob)), smallest: minPartBytes}
	if batchBytes > 0 {
		c = cut{largest: min(maxSlowPart, perJob/2), smallest: max(minSlowPart, batchBytes), shrink: true}
	}
	if split.smallest > 0 {
		c.largest, c.smallest = split.largest, split.smallest
	}
	c.major, c.by = major, split.By
	return c
}

// byBlocks says whether a relation is cut by its blocks. Servers before 14 have
// no TID range scan: there each range would read the whole table.
func (c cut) byBlocks(s relationSize) bool {
	return (c.by == "" || c.by == SplitAuto || c.by == SplitBlocks) &&
		c.major >= tidScanSince && s.Kind == "r" && s.Method == "heap" && s.blocks() >= 2
}

// byKeys says whether a relation is cut by its key, if it has one.
func (c cut) byKeys(s relationSize) bool {
	switch c.by {
	case SplitKeys:
		return s.Kind == "r"
	case SplitNever, SplitBlocks:
		return false
	default:
		return s.Kind == "r" && (c.major < tidScanSince || s.Method != "heap")
	}
}

// relation cuts one relation into parts by weight, at borders that the scale
// gives; nil is none. The first and the last part are open-ended.
func (c cut) relation(p Part, s relationSize, along scale) []Part {
	p.Bytes = s.Heap + s.Toast
	weights := c.weights(p.Bytes)
	if along == nil && c.byBlocks(s) {
		along = evenBlocks{end: s.blocks(), open: true}
	}
	if along == nil || len(weights) < 2 {
		return []Part{p}
	}
	p.cuts = &cuts{scale: along, to: along.last(), high: 1}
	return p.divide(weights)
}

// weights cuts a relation's weight into those of its parts, in bytes.
func (c cut) weights(weight int64) []int64 {
	if weight < 2*c.smallest || c.by == SplitNever {
		return []int64{weight}
	}
	var out []int64
	if !c.shrink {
		n := (weight + c.largest - 1) / c.largest
		for range n {
			out = append(out, weight/n)
		}
		return out
	}
	// Whole batches: the rest of a part is a batch with all its round trips too.
	whole := func(size int64) int64 { return max(size/c.smallest, 1) * c.smallest }
	size := whole(c.largest)
	for rest := weight; rest > 0; size = whole(size / 2) {
		n := (rest/2 + size - 1) / size
		if size == c.smallest {
			n = (rest + size - 1) / size
		}
		for range n {
			w := min(size, rest)
			out = append(out, w)
			rest -= w
		}
	}
	return out
}
