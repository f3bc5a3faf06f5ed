package verify

import (
	"fmt"
	"slices"
	"strings"
)

// traits are what can be told of an index from its definition without knowing
// how a server writes expressions: what a target loses in silence is among them.
type traits struct {
	unique, partial, nullsNotDistinct bool
	keys, included                    int
	descending, nullsMoved, collated  int
}

// indexTraits reads a CREATE INDEX statement. Strings and quoted names are
// passed over; words count outside of them.
func indexTraits(def string) traits {
	var t traits
	depth, group := 0, 0 // group: the keys, 1 the included columns, 2 neither
	var words []byte
	flush := func() {
		fields := strings.Fields(strings.ToUpper(string(words)))
		words = words[:0]
		has := func(word string) bool { return slices.Contains(fields, word) }
		switch {
		case depth == 0:
			t.unique = t.unique || len(fields) > 1 && fields[0] == "CREATE" && fields[1] == "UNIQUE"
			t.partial = t.partial || has("WHERE")
			t.nullsNotDistinct = t.nullsNotDistinct || has("DISTINCT")
			switch {
			case has("INCLUDE"):
				group = 1
			case has("WHERE"), has("WITH"):
				group = 2
			}
		case depth == 1 && group == 0:
			if has("DESC") {
				t.descending++
			}
			if has("FIRST") != has("DESC") && (has("FIRST") || has("LAST")) {
				t.nullsMoved++
			}
			if has("COLLATE") {
				t.collated++
			}
		}
	}
	for i := 0; i < len(def); i++ {
		switch b := def[i]; b {
		case '"', '\'':
			for i++; i < len(def) && def[i] != b; i++ { // to its end
			}
			words = append(words, 'x')
		case '(', ',', ')':
			flush()
			switch b {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 1 && b != ')' {
				t.count(group)
			}
			if depth == 0 {
				group = 2
			}
		default:
			words = append(words, b)
		}
	}
	flush()
	return t
}

// essential are the traits that decide which rows an index refuses, and which
// it holds. The others only change how fast queries are.
func (t traits) essential() traits {
	t.included, t.descending, t.nullsMoved, t.collated = 0, 0, 0, 0
	return t
}

func (t *traits) count(group int) {
	switch group {
	case 0:
		t.keys++
	case 1:
		t.included++
	}
}

// String gives the traits in words.
func (t traits) String() string {
	s := "index"
	if t.unique {
		s = "unique index"
	}
	s += fmt.Sprintf(" of %d keys", t.keys)
	for _, more := range []struct {
		n    int
		word string
	}{{t.included, "included"}, {t.descending, "descending"}, {t.nullsMoved, "with NULLS moved"}, {t.collated, "with COLLATE"}} {
		if more.n > 0 {
			s += fmt.Sprintf(", %d %s", more.n, more.word)
		}
	}
	if t.nullsNotDistinct {
		s += ", NULLS NOT DISTINCT"
	}
	if t.partial {
		s += ", partial"
	}
	return s
}
