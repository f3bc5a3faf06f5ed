package shape

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// lines takes the messages off rows, and requires that each is one line.
func lines(t *testing.T, data []byte) []string {
	t.Helper()
	var out []string
	for len(data) > 0 {
		n := int(binary.BigEndian.Uint32(data[1:]))
		row := data[frameHead : 1+n]
		if data[0] != 'd' || bytes.IndexByte(row, '\n') != len(row)-1 {
			t.Fatalf("%q is not one line in one message", data[:1+n])
		}
		out = append(out, string(row[:len(row)-1]))
		data = data[1+n:]
	}
	return out
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

// The same seed gives the same rows; whatever they are cut into, the pieces have
// the rows of the whole, as many as were asked for, and no key twice.
func TestRowsAreThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderKey, OrderRandom} {
		s, _ := Named("mixed")
		const rows = 5000
		all := read(t, New(s, order, 7).Rows(0, rows))
		require.Equal(t, all, read(t, New(s, order, 7).Rows(0, rows)))
		require.NotEqual(t, all, read(t, New(s, order, 8).Rows(0, rows)))
		keys := map[int64]int{}
		note := func(list []string) {
			for _, l := range list {
				key, err := strconv.ParseInt(strings.SplitN(l, "\t", 2)[0], 10, 64)
				require.NoError(t, err)
				keys[key]++
			}
		}
		whole := lines(t, all)
		require.Len(t, whole, rows)
		note(whole)
		require.Len(t, keys, rows, "%s: keys are unique", order)
		sorted := int64(0)
		for i, l := range whole[1:] {
			if l[:keyDigits] > whole[i][:keyDigits] {
				sorted++
			}
		}
		if order == OrderKey {
			require.EqualValues(t, rows-1, sorted)
		} else {
			require.Less(t, sorted, int64(rows*3/4), "random keys do not ascend")
		}
		m := New(s, order, 7)
		for first := int64(0); first < rows; first += 1500 {
			r := m.Rows(first, min(1500, rows-first))
			note(lines(t, read(t, r)))
			require.Equal(t, min(1500, rows-first), r.Made())
		}
		require.Len(t, keys, rows, "%s: the parts have the keys of the whole", order)
		for k, n := range keys {
			if n != 2 {
				t.Fatalf("key %d comes %d times in whole and parts, not twice", k, n)
			}
		}
	}
}

// gcd of the keys and the step, which must be 1: else keys come twice.
func TestRandomKeysNeverMeet(t *testing.T) {
	t.Parallel()
	a, b := uint64(keys), uint64(stride)
	for b != 0 {
		a, b = b, a%b
	}
	require.EqualValues(t, 1, a)
}

// Every shape is taken by a server under its primary key, and what it counts is
// what was made; sizes are about those that are said.
func TestShapesAreTakenByPostgres(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	conn := db.Conn(t)
	for _, name := range Names() {
		s, ok := Named(name)
		require.True(t, ok)
		s = s.WithoutVector()
		taken(t, conn, s)
	}
	file := filepath.Join(t.TempDir(), "orders.yaml")
	var all strings.Builder
	all.WriteString("columns:\n")
	for _, k := range kindNames() {
		if k != string(Vector) {
			all.WriteString("  - {name: c_" + k + ", kind: " + k + ", nulls: 0.1}\n")
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(all.String()), 0o600))
	s, err := Parse(file)
	require.NoError(t, err)
	require.Equal(t, "orders", s.Name)
	taken(t, conn, s)
}

func taken(t *testing.T, conn *pgx.Conn, s Shape) {
	t.Helper()
	_, err := conn.Exec(t.Context(), s.CreateSQL("public", s.Name, true))
	require.NoError(t, err)
	m := New(s, OrderRandom, 3)
	const rows = 300
	list := lines(t, read(t, m.Rows(0, rows)))
	text := strings.Join(list, "\n") + "\n"
	require.InDelta(t, m.RowBytes(), float64(len(text))/rows, m.RowBytes()/4, s.Name)
	tag, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(text), "COPY public."+s.Name+" FROM STDIN")
	require.NoError(t, err, s.Name)
	require.EqualValues(t, rows, tag.RowsAffected())
}

func TestShapesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, err := Parse("narow")
	require.ErrorContains(t, err, "the shapes are narrow, wide")
	_, err = Parse("./gone.yaml")
	require.ErrorContains(t, err, "no such file")
	for text, want := range map[string]string{
		"columns: []":                                      "no columns",
		"columns: [{name: id, kind: int}]":                 `"id" is the key`,
		"columns: [{name: a, kind: money}]":                `the kind "money" is none of`,
		"columns: [{name: a, kind: int, nulls: 2}]":        "shares, 0 to 1",
		"columns: [{name: a, kind: text, bytes: -1}]":      "bytes must be",
		"columns: [{name: a, kind: vector, max: 1000000}]": "max must not",
		"columns: [{name: a, knid: int}]":                  "knid",
	} {
		_, err := parseFile([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// BenchmarkRows makes rows of each shape, in both orders: at least 1 GB/s.
func BenchmarkRows(b *testing.B) {
	for _, name := range Names() {
		for _, order := range []Order{OrderKey, OrderRandom} {
			b.Run(name+"/"+string(order), func(b *testing.B) {
				s, _ := Named(name)
				m := New(s, order, 1)
				buf := make([]byte, 256<<10)
				const bytes = 64 << 20
				b.SetBytes(bytes)
				for b.Loop() {
					r := m.Rows(0, int64(bytes/m.RowBytes()))
					for {
						if _, err := r.Read(buf); err != nil {
							break
						}
					}
				}
			})
		}
	}
}
