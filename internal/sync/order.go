package sync

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/copier"
)

// sort puts rows into the order of the key, in which they are written: numbers by
// their value, all else by the bytes of its text, NULL last. A table without a key
// has no order.
func (t *table) sort(rows []copier.RepairRow) {
	numbers := make([]bool, len(t.transfer.Key))
	for i, k := range t.transfer.Key {
		if c := t.column(k); c != nil {
			word, _, _ := strings.Cut(c.TargetType, "(")
			numbers[i] = slices.Contains([]string{"smallint", "integer", "bigint", "numeric", "oid"}, strings.TrimSpace(word))
		}
	}
	slices.SortStableFunc(rows, func(a, b copier.RepairRow) int {
		for i := range min(len(a.Key), len(b.Key), len(numbers)) {
			if c := compareKeys(a.Key[i], b.Key[i], numbers[i]); c != 0 {
				return c
			}
		}
		return 0
	})
}

func compareKeys(a, b *string, number bool) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(boolInt(a == nil), boolInt(b == nil))
	case number:
		if x, y := new(big.Rat), new(big.Rat); parse(x, *a) && parse(y, *b) {
			return x.Cmp(y)
		}
	}
	return strings.Compare(*a, *b)
}

func parse(x *big.Rat, text string) bool {
	_, ok := x.SetString(text)
	return ok
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
