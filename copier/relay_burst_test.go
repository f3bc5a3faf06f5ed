package copier

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// listed makes one part of these rows, and gives them in pieces of any size.
type listed struct {
	rows   []string
	random *rand.Rand
	stream io.Reader
}

func (m *listed) Parts() []Part {
	name := catalog.Name{Schema: "public", Name: "t"}
	return []Part{{ID: 1, Target: name, Relation: name}}
}

func (m *listed) Open(Part) MadeRows {
	var b []byte
	for _, row := range m.rows {
		b = message(b, 'd', []byte(row))
		if m.random.IntN(50) == 0 {
			b = message(b, 'N', []byte("a notice among the rows"))
		}
	}
	m.stream = bytes.NewReader(b)
	return m
}

func (m *listed) Made() int64 { return int64(len(m.rows)) }

func (m *listed) Read(p []byte) (int, error) {
	most := 1 + m.random.IntN([]int{7, 300, 20_000, len(p)}[m.random.IntN(4)])
	return m.stream.Read(p[:min(most, len(p))])
}

// However the rows arrive, and however long they are, the batches are those that
// the profile's bounds make of them, and the digest is that of the rows one by one.
func TestRowsInOneReadAreBatchedAsSingleOnes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		maker := &listed{random: random}
		var want digest.Sum
		longest := []int{3, 80, 9_000, readBuffer + 1000}[random.IntN(4)]
		for range min(1500, 1_000_000/longest) {
			row := fmt.Sprintf("%d\t%s", random.IntN(1000), bytes.Repeat([]byte("ü"), random.IntN(longest)/2))
			want.Add([]byte(row))
			maker.rows = append(maker.rows, row+"\n")
		}
		profile := ddlgen.DB9()
		profile.BatchRows, profile.BatchBytes = []int64{0, 1, 7, 1000}[random.IntN(4)], []int64{0, 1, 100, 70_000}[random.IntN(4)]
		var batches, expected []Batch
		for _, row := range maker.rows {
			n := int64(len(row))
			if last := len(expected) - 1; last < 0 ||
				profile.BatchRows > 0 && expected[last].Rows >= profile.BatchRows || profile.BatchBytes > 0 && expected[last].Bytes+n > profile.BatchBytes {
				expected = append(expected, Batch{})
			}
			b := &expected[len(expected)-1]
			b.Rows, b.Bytes = b.Rows+1, b.Bytes+n
		}
		res, err := Discard(soon(t), Params{
			Made: maker, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{transfer("t", "a", "b")}}, Profile: profile, Run: NewRunID(), Jobs: 1, Progress: &event.Progress{},
			Batches: func(b Batch) { batches = append(batches, Batch{Rows: b.Rows, Bytes: b.Bytes}) },
		})
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, want, res.Tables[0].Digest, "seed %d", seed)
		require.Equal(t, expected, batches, "seed %d: %+v", seed, profile)
	}
}

// A row in the midst of others that is no row, or that no target takes, is refused
// by its number.
func TestRowsInOneReadAreRefusedByNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ row, wrong string }{
		{"7\tno end", "row 41 of the stream does not end with a line end"},
		{"7\t\xff\n", "row 41 of public.t holds bytes that are not UTF-8"},
		{"7\t" + string(bytes.Repeat([]byte("x"), 5000)) + "\n", "row 41 of public.t has 5003 bytes, the target takes at most 5000"},
		{"", "row 41 of the stream does not end with a line end"},
	} {
		maker := &listed{random: rand.New(rand.NewPCG(1, 1))}
		for i := range 80 {
			maker.rows = append(maker.rows, fmt.Sprintf("%d\tx\n", i))
		}
		maker.rows[41] = c.row
		profile := ddlgen.DB9()
		profile.RowBytes = 5000
		_, err := Discard(soon(t), Params{
			Made: maker, Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{transfer("t", "a", "b")}}, Profile: profile, Run: NewRunID(), Jobs: 1, Progress: &event.Progress{},
		})
		require.ErrorContains(t, err, c.wrong)
	}
}
