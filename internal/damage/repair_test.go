package damage_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/damage"
)

var repairedRows = regexp.MustCompile(`repaired: ([\d,]+) rows? inserted, ([\d,]+) rows? updated, ([\d,]+) rows? deleted`)

// requireRepaired repairs what was damaged and found: each table of which rows
// were is a match then, and of its rows only those were written, as the target's
// own counters say (Y15).
func (p *pair) requireRepaired(t *testing.T, found outcome, cases []damage.Case) {
	t.Helper()
	before := p.writes(t)
	o := p.run(t, "repair", "--execute", "--delete")
	require.Contains(t, []int{done, differences}, o.code, o.stderr) // definitions are not repaired
	after := p.verify(t, "rows")
	m := repairedRows.FindStringSubmatch(o.rep.Message)
	require.NotNil(t, m, o.rep.Message)
	told := 0
	for _, text := range m[1:] {
		n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
		require.NoError(t, err)
		told += n
	}
	now := p.writesAtLeast(t, before, told)
	list := newLines("case", "profile", "repaired", "rows written")
	for i := range cases {
		c := &cases[i]
		if len(c.Rows) == 0 || !c.For(p.profile) {
			continue
		}
		verdict, said := "", ""
		after.each(func(kind, name, is, detail string) {
			own := name == "public."+c.Table() || strings.HasPrefix(name, "public."+c.Table()+"_low") || strings.HasPrefix(name, "public."+c.Table()+"_high")
			if kind == "table" && own && (verdict == "" || is != "match") {
				verdict, said = is, detail
			}
		})
		if p.profile == damage.DB9 && tooManyCopies(c) { // a DB9 has no places by which one of two equal rows goes
			assert.Equal(t, "mismatch", verdict, c.Name)
			assert.Contains(t, o.rep.Message, "not repaired (it has no key: on this target nothing names one of several equal rows")
			list.add(c.Name, p.profile, "-", "a DB9 has nothing that tells two equal rows apart")
			continue
		}
		ok := assert.Equal(t, "match", verdict, "%s: %s", c.Name, said)
		written := now[c.Table()] - before[c.Table()]
		ok = assert.Equal(t, rowsOf(found.where(c.Table())), written, "%s: rows written", c.Name) && ok
		list.add(c.Name, p.profile, map[bool]string{true: "yes", false: "NO"}[ok], strconv.FormatInt(written, 10))
	}
	for table, n := range now {
		if n != before[table] && rowsOf(found.where(table)) == 0 && !strings.HasSuffix(table, "_low") && !strings.HasSuffix(table, "_high") {
			assert.Failf(t, "written to", "%s: %d rows, of which none differed", table, n-before[table])
		}
	}
	list.print(t, "Repaired under profile "+p.profile)
}

// tooManyCopies says whether a table without a key holds a row too often.
func tooManyCopies(c *damage.Case) bool {
	return slices.ContainsFunc(c.Rows, func(row string) bool { return strings.HasPrefix(row, "extra ") && strings.HasSuffix(row, "x") })
}

// rowsOf counts rows that were found, in the words of damage.Case: "2x" are two.
func rowsOf(found []string) (n int64) {
	for _, text := range found {
		words := strings.Fields(text)
		if copies, err := strconv.ParseInt(strings.TrimSuffix(words[1], "x"), 10, 64); err == nil && strings.HasSuffix(words[1], "x") {
			n += copies
			continue
		}
		n++
	}
	return n
}

// writes counts the rows that were ever inserted, updated and deleted in each
// table of the target, with its partitions.
func (p *pair) writes(t *testing.T) map[string]int64 {
	t.Helper()
	rows, err := p.target.Conn(t).Query(t.Context(), `SELECT coalesce((SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent WHERE i.inhrelid = s.relid), s.relname),
		sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables s WHERE schemaname = 'public' GROUP BY 1`)
	require.NoError(t, err)
	out := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		require.NoError(t, rows.Scan(&name, &n))
		out[name] = n
	}
	require.NoError(t, rows.Err())
	return out
}

// writesAtLeast waits until the server has counted so many more: it counts a
// session's rows when it ends, at the latest.
func (p *pair) writesAtLeast(t *testing.T, before map[string]int64, n int) (now map[string]int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		now = p.writes(t)
		sum := int64(0)
		for table := range now {
			sum += now[table] - before[table]
		}
		return sum >= int64(n)
	}, 10*time.Second, 100*time.Millisecond, "%d rows written", n)
	return now
}
