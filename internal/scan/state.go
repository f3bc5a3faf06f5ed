package scan

import (
	"errors"
	"math"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// active are the conditions that can still be asked.
func (t *table) active() []*condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*condition
	for _, c := range t.conditions {
		if c.why == "" {
			out = append(out, c)
		}
	}
	return out
}

// saw adds what a piece holds.
func (t *table) saw(pc piece, rows int64, asked []*condition, hits []int64) {
	t.mu.Lock()
	t.rows += rows
	t.bytes += pc.bytes
	pc.r.rows += rows
	total := float64(rows)
	if pc.r.sample > 0 {
		t.partial = true
		total = pc.r.total(rows)
	}
	t.of += total
	t.mu.Unlock()
	for i, c := range asked {
		t.add(pc, c, hits[i])
	}
}

// total is how many rows the sampled relation has.
func (r *relation) total(sampled int64) float64 {
	if r.size.Tuples > 0 && r.where == "" {
		return max(float64(r.size.Tuples), float64(sampled))
	}
	return float64(sampled) * 100 / r.sample
}

// add adds rows that meet a condition, of a piece or a sample.
func (t *table) add(pc piece, c *condition, hits int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if pc.r.sample == 0 {
		c.count, c.low, c.high = c.count+float64(hits), c.low+float64(hits), c.high+float64(hits)
		return
	}
	count, low, high := estimate(hits, pc.r.rows, pc.r.total(pc.r.rows))
	c.count, c.low, c.high = c.count+count, c.low+low, c.high+high
	c.estimated = true
}

// missed records rows that could not be read.
func (t *table) missed(r *relation, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = true
	var pg *pgconn.PgError
	if errors.As(err, &pg) && strings.HasPrefix(pg.Code, "42") { // no right, or gone: all pieces alike
		r.closed = true
	}
	t.of += max(float64(r.size.Tuples)-float64(r.rows), 0)
	if t.why == "" {
		t.why = r.name.String() + ": " + errorText(err)
	}
}

// closed says that no piece of the relation can be read.
func (t *table) closed(r *relation) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return r.closed
}

// unknown stops a condition that cannot be asked of all rows.
func (t *table) unknown(c *condition, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.why == "" {
		c.why = errorText(err)
	}
}

func (t *table) sampled(c *condition) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(c.keys)
}

func (t *table) addKeys(c *condition, keys []string, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.keys = append(c.keys, keys...)
	c.keys = c.keys[:min(len(c.keys), most)]
}

// done counts a piece off and says whether it was the last.
func (t *table) done() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left--
	return t.left == 0
}

// summary is what is known of the table's rows. All work on it is over.
func (t *table) summary() Table {
	return Table{
		Table: t.tr.Source, Rows: t.rows, Of: int64(math.Round(t.of)), Bytes: t.bytes,
		Whole: !t.partial && t.why == "", Why: t.why,
	}
}

// items are the conditions that rows met, and those that could not be asked.
func (t *table) items() []Item {
	var out []Item
	for _, c := range t.conditions {
		if c.count == 0 && c.why == "" {
			continue
		}
		i := Item{
			Kind: c.kind, State: Found, Object: c.object, Table: t.tr.Source, What: c.what, Refused: c.refused,
			Count: round(c.count), Low: round(c.low), High: round(c.high), Estimated: c.estimated,
			Keys: c.keys, Query: t.list(c), Why: c.why, AtLeast: c.why != "" || t.why != "",
		}
		if c.count == 0 {
			i.State, i.AtLeast = Unknown, false
		}
		if i.AtLeast && i.Why == "" {
			i.Why = t.why
		}
		out = append(out, i)
	}
	return out
}

func round(f float64) int64 { return int64(math.Round(f)) }

// errorText is an error for people: what the server said, in one line.
func errorText(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.Join(strings.Fields(pg.Message), " ") + " (SQLSTATE " + pg.Code + ")"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
