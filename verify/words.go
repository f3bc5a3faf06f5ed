package verify

import (
	"fmt"
	"strings"
)

// differencesShown is how many differences of a table's definition its sentence
// names; the report holds all.
const differencesShown = 5

// judge compares the numbers. equal says whether the sums are, digested is the
// number of rows in the source's.
func (d *Data) judge(digested uint64, equal bool) Verdict {
	counts := []int64{d.Framed, d.Counted, int64(digested)} //nolint:gosec // rows of a table
	if d.Obtained == CopyStream {
		counts = append(counts, d.Acked, d.Ledger)
	}
	for _, n := range counts {
		if n != d.Read || n < 0 {
			return Mismatch
		}
	}
	if !equal {
		return Mismatch
	}
	return Match
}

// words says what was compared, or which numbers differ.
func (d *Data) words() string {
	switch d.Verdict {
	case Errored:
		return d.Err
	case Skipped:
		if d.Err != "" {
			return d.Err
		}
		return "rows not compared, as asked"
	case Unknown:
		if d.Err != "" {
			return d.Err
		}
		return "rows not compared"
	case Match:
		return d.equalWords()
	case Mismatch:
	}
	if d.Err != "" {
		return d.Err
	}
	facts := append(d.foundWords(), d.Live.facts()...)
	if d.Obtained == CopyStream && (d.Framed != d.Read || d.Acked != d.Read || d.Ledger != d.Read) {
		facts = append(facts, fmt.Sprintf("while copying, the source's COPY told of %s, %d were seen in the stream, "+
			"the target acknowledged %d and the ledger holds %d", rowCount(d.Read), d.Framed, d.Acked, d.Ledger))
	}
	was := "left the source"
	if d.Obtained == Certified {
		was = "stand in the certificate"
	}
	switch {
	case d.Live != nil: // counts of two moments
	case d.Counted < d.Read:
		facts = append(facts, fmt.Sprintf("%s %s, the target holds %d: %d missing", rowCount(d.Read), was, d.Counted, d.Read-d.Counted))
	case d.Counted > d.Read:
		facts = append(facts, fmt.Sprintf("%s %s, the target holds %d: %d too many", rowCount(d.Read), was, d.Counted, d.Counted-d.Read))
	case d.Found == nil && d.SourceDigest != d.TargetDigest && d.Obtained == Certified:
		facts = append(facts, fmt.Sprintf("as many rows as the certificate says (%d), but with other contents: digest %s in the certificate, %s on the target",
			d.Read, d.SourceDigest, d.TargetDigest))
	case d.Found == nil && d.SourceDigest != d.TargetDigest:
		facts = append(facts, fmt.Sprintf("%s on both sides, but their contents differ: digest %s on the source, %s on the target",
			rowCount(d.Read), d.SourceDigest, d.TargetDigest))
	}
	if len(facts) == 0 {
		facts = append(facts, "the digest of the copied stream is of another number of rows than the stream had")
	}
	return strings.Join(facts, "; ")
}

// words names the differences.
func (s *Shape) words() string {
	if s.Verdict == Errored || s.Verdict == Unknown {
		return s.Err
	}
	var facts []string
	for i, d := range s.Differences {
		if i == differencesShown {
			facts = append(facts, fmt.Sprintf("and %d more differences of its definition", len(s.Differences)-i))
			break
		}
		facts = append(facts, d.String())
	}
	if n := len(s.Assumed); n > 0 {
		more := ""
		if n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		facts = append(facts, "not told by the target, so assumed: "+s.Assumed[0]+more)
	}
	return strings.Join(facts, "; ")
}

// String gives the difference in words.
func (d Difference) String() string {
	switch {
	case d.What == "table" && d.Found == "none":
		return "the table is not on the target"
	case d.What == "table":
		return fmt.Sprintf("it is a %s, not a %s", d.Found, d.Expected)
	case d.What == "column" && d.Found == "none":
		return fmt.Sprintf("column %s (%s) is not on the target", d.Column, d.Expected)
	case d.What == "column":
		return fmt.Sprintf("column %s (%s) was not expected", d.Column, d.Found)
	case (d.What == whatView || d.What == whatFilledView) && d.Found == "none":
		return "the " + d.What + " is not on the target"
	case d.What == whatView || d.What == whatFilledView:
		return fmt.Sprintf("its query: expected %s, found %s", d.Expected, d.Found)
	case d.Column == "":
		return fmt.Sprintf("its %s: expected %s, found %s", d.What, d.Expected, d.Found)
	case d.What == whatConstraint || d.What == whatIndex || d.What == whatParent || hangs(d.What):
		return fmt.Sprintf("%s %s: expected %s, found %s", d.What, d.Column, d.Expected, d.Found)
	}
	return fmt.Sprintf("%s of column %s: expected %s, found %s", d.What, d.Column, d.Expected, d.Found)
}

func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}
