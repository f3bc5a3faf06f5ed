package like

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/internal/bench/shape"
)

// generator appends a value in COPY TEXT form. Where values have sizes, at (0 to 1)
// says which: over all at the mean is that of the statistics.
type generator func(b []byte, r *rand.Rand, at float64) []byte

// A column with few values takes them from a pool; one with more, or with larger ones,
// makes each anew.
const (
	poolMost  = 2000
	poolBytes = 1 << 20
)

// column is how values like a column's are made; false where they cannot be.
func (c column) column(rows float64) (shape.Column, bool) {
	out := shape.Column{Name: c.Name, Nulls: c.Nulls, Type: c.Type}
	if c.Nulls >= 1 {
		if !builtin(c.TypeSchema) || c.Kind == "c" {
			out.Type = "text"
		}
		out.Kind = shape.Text
		return out, true
	}
	if c.TypeName == "vector" && !builtin(c.TypeSchema) {
		const head = 8
		out.Kind, out.Type = shape.Vector, ""
		if out.Max = int64(c.Typmod); out.Max <= 0 {
			out.Max = max(1, int64((c.Width-head)/4))
		}
		return out, true
	}
	var g generator
	switch {
	case c.Kind == "e":
		g, out.Type = oneOf(c.Labels), "text"
	case c.Element != "":
		if !builtin(c.ElementSchema) {
			out.Type = "text[]"
		}
		g = c.array()
	case builtin(c.TypeSchema):
		g = c.scalar(c.TypeName)
	case c.TypeName == "citext":
		g, out.Type = c.scalar("text"), "text"
	}
	if g == nil {
		return out, false
	}
	if n := c.values(rows); n > 0 && n <= poolMost && float64(n)*c.Width <= poolBytes {
		g = pooled(g, n)
	}
	out.Make = func(b []byte, r *rand.Rand) []byte { return g(b, r, r.Float64()) }
	return out, true
}

func builtin(schema string) bool { return schema == "pg_catalog" }

// values is how many different ones there are; 0 where that is unknown.
func (c column) values(rows float64) int {
	switch {
	case c.Distinct >= 1:
		return int(min(c.Distinct, 1<<30))
	case c.Distinct < 0 && rows > 0:
		return int(min(-c.Distinct*rows, 1<<30))
	}
	return 0
}

// pooled takes values from n that are made once, of all sizes as often as any.
func pooled(g generator, n int) generator {
	r := rand.New(rand.NewPCG(uint64(n), 1)) //nolint:gosec // rows, not secrets
	pool := make([][]byte, n)
	for i := range pool {
		pool[i] = g(nil, r, (float64(i)+0.5)/float64(n))
	}
	return func(b []byte, r *rand.Rand, _ float64) []byte { return append(b, pool[r.IntN(n)]...) }
}

// oneOf takes one of some texts.
func oneOf(texts []string) generator {
	if len(texts) == 0 {
		return nil
	}
	escaped := make([]string, len(texts))
	for i, s := range texts {
		escaped[i] = escape(s)
	}
	return func(b []byte, r *rand.Rand, _ float64) []byte { return append(b, escaped[r.IntN(len(escaped))]...) }
}

// escape writes a text as COPY TEXT does.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s)
}

// payload is what of a value's stored width is no header.
func payload(width float64) float64 {
	const short, shortHead, head = 127, 1, 4
	if width <= short {
		return max(0, width-shortHead)
	}
	return width - head
}

// largest is the largest number of a column of integers, by the bounds of its
// histogram or the number of its values; 0 where neither is known.
func (c column) largest() int64 {
	var most int64
	for _, s := range strings.Split(strings.Trim(c.Bounds, "{}"), ",") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			most = max(most, n, -max(n, -1<<62))
		}
	}
	if most == 0 && c.Distinct > 0 {
		most = int64(c.Distinct)
	}
	return most
}

// whole rounds x up or down, so that the mean is x.
func whole(r *rand.Rand, x float64) int {
	n := int(x)
	if r.Float64() < x-float64(n) {
		n++
	}
	return n
}

// elements are what of an array can be made: their sizes within it, and how.
func (c column) array() generator {
	var size int
	var plain generator
	const text = 8 // letters of a text; nobody knows how long they are
	switch {
	case c.ElementKind == "e":
		quoted := make([]string, len(c.Labels))
		for i, s := range c.Labels {
			quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
		size, plain = 4, oneOf(quoted)
	case !builtin(c.ElementSchema):
		return nil
	case slices.Contains([]string{"text", "varchar"}, c.Element):
		size = 4 + text
		plain = func(b []byte, r *rand.Rand, _ float64) []byte { return letters(b, r, text) }
	case c.Element == "numeric":
		size, plain = 12, kind(shape.Numeric)
	default:
		size = map[string]int{"int2": 2, "int4": 4, "int8": 8, "float4": 4, "float8": 8, "bool": 1, "uuid": 16, "date": 4, "timestamp": 8, "timestamptz": 8}[c.Element]
		if size == 0 {
			return nil
		}
		one := c
		one.Bounds = ""
		if plain = one.scalar(c.Element); strings.HasPrefix(c.Element, "timestamp") {
			bare := plain
			plain = func(b []byte, r *rand.Rand, at float64) []byte { return append(bare(append(b, '"'), r, at), '"') }
		}
	}
	if plain == nil {
		return nil
	}
	const head = 20 // behind the length
	mean := max(0, (payload(c.Width)-head)/float64(size))
	return func(b []byte, r *rand.Rand, at float64) []byte {
		b = append(b, '{')
		for i := range whole(r, spread(mean, 0, at)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = plain(b, r, r.Float64())
		}
		return append(b, '}')
	}
}
