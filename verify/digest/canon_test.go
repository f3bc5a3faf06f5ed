package digest_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/verify/digest"
)

func form(tb require.TestingT, canons ...digest.Canon) *digest.RowCanon {
	c, err := digest.ForRow(canons)
	require.NoError(tb, err)
	return c
}

func TestForRowRefusesUnknownForms(t *testing.T) {
	t.Parallel()
	_, err := digest.ForRow([]digest.Canon{digest.Text, "float5"})
	require.ErrorContains(t, err, `column 2 has the canonical form "float5"`)
}

func TestTextRowsAreThemselves(t *testing.T) { //nolint:paralleltest // it counts allocations
	c := form(t, digest.Text, digest.Text)
	row := []byte("1.50\t0.10")
	require.True(t, c.Verbatim())
	require.Equal(t, &row[0], &c.Row(row)[0], "the row was copied")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Row(row) }))
}

func TestFloat4(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"NULL", `\N`, `\N`},
		{"zero", "0", "0"},
		{"negative zero", "-0", "-0"},
		{"negative zero in full", "-0.0", "-0"},
		{"shortest", "0.1", "0.1"},
		{"double precision's digits", "0.10000000149011612", "0.1"},
		{"all digits of double precision", "0.1000000000000000055", "0.1"},
		{"exponent", "1e+20", "1e+20"},
		{"exponent in full", "100000000000000000000", "1e+20"},
		{"largest", "3.4028235e+38", "3.4028235e+38"},
		{"smallest", "1e-45", "1e-45"},
		{"smallest in double precision", "1.401298464324817e-45", "1e-45"},
		{"denormal", "1.1754942e-38", "1.1754942e-38"},
		{"NaN", "NaN", "NaN"},
		{"Infinity", "Infinity", "Infinity"},
		{"-Infinity", "-Infinity", "-Infinity"},
		{"infinity in another server's words", "inf", "Infinity"},
		{"NaN in another server's words", "nan", "NaN"},
		// Single precision does not hold these: they are other values, not rounded ones.
		{"too large", "1e39", "1e39"},
		{"too small", "1e-60", "1e-60"},
		{"zero in full", "0.000e-60", "0"},
		{"no number", "abc", "abc"},
		{"hexadecimal", "0x1p-2", "0x1p-2"},
		{"underscore", "1_000", "1_000"},
		{"empty", "", ""},
		{"signs alone", "+-", "+-"},
		{"long text", strings.Repeat("x", 100), strings.Repeat("x", 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := string(form(t, digest.Float4).Row([]byte(c.in)))
			require.Equal(t, c.want, got)
			require.Equal(t, got, string(form(t, digest.Float4).Row([]byte(got))), "not stable")
		})
	}
}

func TestFloat4Array(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"NULL", `\N`, `\N`},
		{"empty", "{}", "{}"},
		{"elements", "{0.10000000149011612,2.50,NULL,-0.0,NaN,Infinity}", "{0.1,2.5,NULL,-0,NaN,Infinity}"},
		{"nested", "{{1.0,2},{3,4e0}}", "{{1,2},{3,4}}"},
		{"bounds", "[0:1]={1.0,2}", "[0:1]={1,2}"},
		{"bounds of two dimensions", "[-1:0][2:2]={{1.0},{2}}", "[-1:0][2:2]={{1},{2}}"},
		{"vector", "[1.0,2.5,3]", "[1,2.5,3]"},
		{"text", "hello", "hello"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, string(form(t, digest.Float4Array).Row([]byte(c.in))))
		})
	}
}

func TestRowRewritesItsColumnsAlone(t *testing.T) {
	t.Parallel()
	canons := []digest.Canon{digest.Text, digest.Float4, digest.Text, digest.Float4Array, digest.Float4}
	for _, c := range []struct{ name, in, want string }{
		{"all", "1.50\t1.50\t1.50\t{1.50}\t1.50", "1.50\t1.5\t1.50\t{1.5}\t1.5"},
		{"NULLs", `\N` + "\t" + `\N` + "\t" + `\N` + "\t" + `\N` + "\t" + `\N`, `\N` + "\t" + `\N` + "\t" + `\N` + "\t" + `\N` + "\t" + `\N`},
		{"empty values", "\t\t\t\t", "\t\t\t\t"},
		{"too few", "1.50\t1.50\t1.50", "1.50\t1.5\t1.50"},
		{"one", "1.50", "1.50"},
		{"none", "", ""},
		{"too many", "a\t1.0\tb\t{}\t2.0\t3.0", "a\t1\tb\t{}\t2\t3.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := form(t, canons...)
			in := []byte(c.in)
			require.Equal(t, c.want, string(f.Row(in)))
			require.Equal(t, c.in, string(in), "the row itself was changed")
		})
	}
}

// What a single precision value becomes in double precision and back is the
// same value, bit for bit, and two different ones stay different (V3).
func TestFloat4IsExact(t *testing.T) {
	t.Parallel()
	f := form(t, digest.Float4)
	canonical := func(text string) string { return string(f.Row([]byte(text))) }
	rapid.Check(t, func(t *rapid.T) {
		a := math.Float32frombits(rapid.Uint32().Draw(t, "a"))
		b := math.Float32frombits(math.Float32bits(a) ^ 1<<rapid.IntRange(0, 31).Draw(t, "bit"))
		if a != a || b != b || math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0) {
			t.Skip("no finite number")
		}
		short := strconv.FormatFloat(float64(a), 'g', -1, 32)
		require.Equal(t, canonical(short), canonical(strconv.FormatFloat(float64(a), 'e', 17, 64)))
		require.Equal(t, canonical(short), canonical(strconv.FormatFloat(float64(a), 'f', -1, 64)))
		require.NotEqual(t, canonical(short), canonical(strconv.FormatFloat(float64(b), 'g', -1, 64)))
		back, err := strconv.ParseFloat(canonical(short), 32)
		require.NoError(t, err)
		require.Equal(t, math.Float32bits(a), math.Float32bits(float32(back)))
	})
}

// However a row is cut into pieces, its hash is that of the whole.
func TestHasherIsSumOfWholeRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		canons := rapid.SliceOfN(rapid.SampledFrom([]digest.Canon{digest.Text, digest.Float4, digest.Float4Array}), 0, 5).Draw(t, "canons")
		f := form(t, canons...)
		h := digest.NewHasher(f)
		var whole, pieces digest.Sum
		for _, row := range rapid.SliceOf(rapid.StringMatching(`([0-9a.{},]{0,5}\t?){0,7}`)).Draw(t, "rows") {
			whole.Add(f.Row([]byte(row)))
			for rest := []byte(row); len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
				h.Write(rest[:n])
				rest = rest[n:]
			}
			h.Finish(&pieces)
		}
		require.Equal(t, whole, pieces)
	})
}

func TestZeroHasherIsReady(t *testing.T) {
	t.Parallel()
	var h digest.Hasher
	var s digest.Sum
	h.Write([]byte("a\t"))
	h.Write([]byte("1.50"))
	h.Finish(&s)
	require.Equal(t, sum("a\t1.50"), s)
}

func BenchmarkRowFloat4(b *testing.B) {
	f := form(b, digest.Text, digest.Float4, digest.Text, digest.Float4)
	row := []byte("1234567\t0.10000000149011612\tsome text of a usual length\t2.5")
	b.SetBytes(int64(len(row)))
	b.ReportAllocs()
	var s digest.Sum
	for b.Loop() {
		s.Add(f.Row(row))
	}
}
