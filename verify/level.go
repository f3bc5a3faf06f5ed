package verify

import "slices"

// Level says how closely Run looks. Each level does what those before it do.
type Level string

// The levels. The empty one is LevelDigest.
const (
	LevelSchema Level = "schema" // definitions, as read back from the target
	LevelCounts Level = "counts" // and the number of rows on both sides
	LevelDigest Level = "digest" // and the sums over the rows' contents
	LevelRows   Level = "rows"   // and, where they differ, which rows
	LevelDeep   Level = "deep"   // and every row beside its counterpart
)

var levels = []Level{LevelSchema, LevelCounts, LevelDigest, LevelRows, LevelDeep}

// has says whether the level does what another does. One that is not known does
// everything.
func (l Level) has(other Level) bool {
	if l == "" {
		l = LevelDigest
	}
	at := slices.Index(levels, l)
	return at < 0 || at >= slices.Index(levels, other)
}
