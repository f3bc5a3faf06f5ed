package scan

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// V16: bytes that make no UTF-8 are counted on the server, whatever type they
// hide in; the keys of such rows can be shown although they have them too.
func TestEncodings(t *testing.T) {
	t.Parallel()
	for encoding, want := range map[string]map[string]string{
		"SQL_ASCII": {
			"v.id invalid-utf8": `2 id=caf\351; id=\377`, "v.t invalid-utf8": `1 id=caf\351`, "v.a invalid-utf8": `1 id=caf\351`, "v.c invalid-utf8": `1 id=caf\351`,
			"v.j invalid-utf8": `1 id=caf\351`,
		},
		"WIN1252": {"v.t invalid-utf8": "1 id=b"},
		"LATIN1":  {"v.t c1-control": "1 id=b"},
	} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: encoding})
			db.Exec(t, "CREATE TABLE v (id text PRIMARY KEY, t varchar(20), a text[], c char(5), j json, n name)")
			if encoding == "SQL_ASCII" {
				db.Exec(t, `INSERT INTO v VALUES ('fine', E'na\303\257ve \360\237\230\200', ARRAY[E'\303\251'], E'\303\251abc', E'"\303\251"', 'x'),
					(E'caf\351', E'\303', ARRAY['a', E'\355\240\200'], E'\300\200abc', E'"\364\220\200\200"', 'x'), (E'\377', NULL, NULL, NULL, NULL, NULL)`)
			} else {
				db.Exec(t, `INSERT INTO v VALUES ('a', chr(233) || chr(228)), ('b', 'x' || chr(141)), ('c', 'plain')`)
			}
			r, found := params(t, db).run(t)
			got := map[string]string{}
			for k, i := range found {
				require.Equal(t, Found, i.State, i.Why)
				got[strings.TrimPrefix(k, "public.")] = fmt.Sprintf("%d %s", i.Count, strings.Join(i.Keys, "; "))
			}
			require.Equal(t, want, got)
			require.True(t, r.Complete)
		})
	}
}

// The server's condition for invalid UTF-8 is Go's, on bytes of every kind.
func TestInvalidUTF8IsFoundAsGoFindsIt(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: "SQL_ASCII"})
	db.Exec(t, "CREATE TABLE v (id int PRIMARY KEY, t text)")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	edges := []byte{0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	var rows []string
	invalid := 0
	for i := range 4000 {
		text := make([]byte, 1+random.IntN(4))
		for j := range text {
			text[j] = edges[random.IntN(len(edges))]
			if j > 0 && random.IntN(3) > 0 {
				text[j] = edges[2+random.IntN(6)]
			}
		}
		if !utf8.Valid(text) {
			invalid++
		}
		rows = append(rows, fmt.Sprintf("(%d, convert_from('\\x%s', 'SQL_ASCII'))", i, hex.EncodeToString(text)))
	}
	require.Greater(t, invalid, 1000)
	require.Less(t, invalid, 3900)
	db.Exec(t, "INSERT INTO v VALUES "+strings.Join(rows, ", "))
	_, found := params(t, db).run(t)
	require.EqualValues(t, invalid, found["public.v.t invalid-utf8"].Count)
}
