package ddlgen

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// stands makes types of an extension that is not there, each by the functions of
// text, so that their values travel as their texts do.
func stands(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, `CREATE TYPE %[1]s; CREATE FUNCTION %[1]s_in(cstring) RETURNS %[1]s LANGUAGE internal IMMUTABLE STRICT AS 'textin';
			CREATE FUNCTION %[1]s_out(%[1]s) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
			CREATE TYPE %[1]s (INPUT = %[1]s_in, OUTPUT = %[1]s_out, LIKE = text);`, n)
	}
	return b.String()
}

// owned says that base types of the user's are an extension's.
func owned(db *catalog.Database, extension string) {
	db.Extensions = append(db.Extensions, catalog.Extension{Name: extension, Schema: "public"})
	for i := range db.Tables {
		for j := range db.Tables[i].Columns {
			if t := &db.Tables[i].Columns[j].Type; t.Kind == catalog.KindBase && t.Name.Schema == "public" {
				t.Extension = extension
			}
		}
	}
	db.Others = slices.DeleteFunc(db.Others, func(o catalog.Other) bool { return o.Kind == "base type" || o.Kind == "cast" })
}

// carry applies a plan without its extension, copies the one table and gives the
// rows as they were sent and as they come back.
func carry(t *testing.T, plan *Plan, from, to *pgx.Conn) (sent, back string) {
	t.Helper()
	for _, s := range plan.Statements {
		if s.Phase == PhasePrepare && strings.Contains(s.SQL, "CREATE EXTENSION") || s.Object.Kind == "routine" {
			continue
		}
		_, err := to.Exec(t.Context(), s.SQL)
		require.NoError(t, err, "%s: %s", s.ID, s.SQL)
	}
	require.Len(t, plan.Transfers, 1)
	tr := plan.Transfers[0]
	var selects, reads, targets []string
	for _, c := range tr.Columns {
		selects, reads, targets = append(selects, c.Select), append(reads, c.ReadBack), append(targets, ident(c.Target))
	}
	sent = copyOut(t, from, fmt.Sprintf("COPY (SELECT %s FROM ONLY %s ORDER BY 1) TO STDOUT", strings.Join(selects, ", "), quoted(tr.Relations[0])))
	_, err := to.PgConn().CopyFrom(t.Context(), strings.NewReader(sent), fmt.Sprintf("COPY %s (%s) FROM STDIN", quoted(tr.Target), strings.Join(targets, ", ")))
	require.NoError(t, err)
	return sent, copyOut(t, to, fmt.Sprintf("COPY (SELECT %s FROM %s ORDER BY 1) TO STDOUT", strings.Join(reads, ", "), quoted(tr.Target)))
}

// sumOf is the digest of rows as a plan compares them.
func sumOf(t *testing.T, plan *Plan, rows string) string {
	t.Helper()
	var canons []digest.Canon
	for _, c := range plan.Transfers[0].Columns {
		canons = append(canons, c.Canon)
	}
	canon, err := digest.ForRow(canons)
	require.NoError(t, err)
	h := digest.NewHasher(canon)
	var sum digest.Sum
	for line := range strings.Lines(rows) {
		h.Write([]byte(strings.TrimSuffix(line, "\n")))
		h.Finish(&sum)
	}
	return fmt.Sprint(sum)
}

// V23: vectors of 1 and 16,000 dimensions, NULL and halfvec arrive, and are equal
// when their numbers are, rounded to single precision; what is no vector of the
// target is found by its dimensions.
func TestVectorsV23(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	types := stands("vector", "halfvec", "sparsevec")
	source := server.Database(t)
	source.Exec(t, types+`CREATE CAST (halfvec AS vector) WITH INOUT; CREATE CAST (sparsevec AS vector) WITH INOUT;
		CREATE TABLE v (id int PRIMARY KEY, e vector, h halfvec);
		INSERT INTO v VALUES (1, '[0.1]', '[1.5,-2]'), (2, NULL, NULL);
		INSERT INTO v SELECT 3, ('[' || string_agg((g / 7.0)::float4::text, ',') || ']')::vector, '[65504]' FROM generate_series(1, 16000) g`)
	from := source.Conn(t)
	db := load(t, from)
	owned(db, "vector")
	plan, err := Generate(db, DB9(), Options{})
	require.NoError(t, err)
	for _, f := range plan.Findings {
		require.NotEqual(t, typeRefused, f.Code, f.Message)
	}
	target := server.Database(t)
	target.Exec(t, stands("vector"))
	to := target.Conn(t)
	sent, back := carry(t, plan, from, to)
	require.Equal(t, 3, strings.Count(sent, "\n"))
	require.Equal(t, sumOf(t, plan, sent), sumOf(t, plan, back))
	require.Equal(t, sumOf(t, plan, sent), sumOf(t, plan, strings.Replace(back, "[0.1]", "[0.10000000149011612]", 1)), "a target may print doubles")
	require.NotEqual(t, sumOf(t, plan, sent), sumOf(t, plan, strings.Replace(back, "[0.1]", "[0.10000001]", 1)), "the next number of single precision")

	source.Exec(t, "ALTER TABLE v ADD s sparsevec; UPDATE v SET s = '{1:1.5}/16000' WHERE id = 1; UPDATE v SET s = '{1:1.5,20000:2}/20000' WHERE id = 2")
	db = load(t, from)
	owned(db, "vector")
	plan, err = Generate(db, DB9(), Options{})
	require.NoError(t, err)
	var found []string
	for _, c := range plan.Transfers[0].Columns {
		for _, a := range c.Affected {
			var n int
			require.NoError(t, from.QueryRow(t.Context(), "SELECT count(*) FROM v WHERE "+a.Where).Scan(&n), a.Where)
			found = append(found, fmt.Sprintf("%s %s %t %d", c.Source, a.Kind, a.Refused, n))
		}
	}
	require.Equal(t, []string{"s dimensions true 1"}, found)

	// Without the extension on the target there is no place for them.
	none := DB9()
	none.Extensions = nil
	plan, err = Generate(db, none, Options{})
	require.NoError(t, err)
	refused := 0
	for _, f := range plan.Findings {
		if f.Code == typeRefused {
			refused++
			require.Contains(t, f.Message, "the target has no extension vector")
		}
	}
	require.Equal(t, 3, refused)
}

// V24: columns of PostGIS block; accepted, what they hold arrives as the texts
// that they write, hexadecimal EWKB with SRID, Z and M, byte for byte.
func TestGeometryV24(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	source := server.Database(t)
	// POINT ZM (1 2 3 4) and SRID=4326;POINT (1 2)
	source.Exec(t, stands("geometry", "geography", "raster")+`CREATE TABLE v (id int PRIMARY KEY, g geometry, h geography, r raster, ga geometry[]);
		INSERT INTO v VALUES (1, '01010000C0000000000000F03F000000000000004000000000000008400000000000001040', '0101000020E6100000000000000000F03F0000000000000040', '0100000000', '{01,NULL}'), (2, NULL, NULL, NULL, NULL)`)
	from := source.Conn(t)
	db := load(t, from)
	owned(db, "postgis")
	for i := range db.Tables[0].Columns {
		if c := &db.Tables[0].Columns[i]; c.Name == "r" {
			c.Type.Extension = "postgis_raster"
		}
	}
	plan, err := Generate(db, DB9(), Options{})
	require.NoError(t, err)
	blocked := map[string]string{}
	for _, f := range plan.Findings {
		if f.Code == typeRefused {
			blocked[f.Object.Name] = f.Severity.String()
		}
	}
	require.Equal(t, map[string]string{"g": "block", "h": "block", "r": "block", "ga": "block"}, blocked)

	plan, err = Generate(db, DB9(), Options{Accept: []string{string(typeRefused)}})
	require.NoError(t, err)
	sent, back := carry(t, plan, from, server.Database(t).Conn(t))
	require.Equal(t, sent, back)
	require.Contains(t, back, "0101000020E6100000000000000000F03F0000000000000040")
}

// V6: money has the digits of the source's lc_monetary.
func TestMoneyV6(t *testing.T) {
	t.Parallel()
	for digits, want := range map[int]string{0: "numeric(19,0)", 2: "numeric(19,2)", 3: "numeric(19,3)"} {
		p := newPlanner(&catalog.Database{MoneyDigits: digits, Encoding: "UTF8", ServerVersion: 150000}, DB9(), Options{})
		typ := p.typing(base("money", ""))
		require.Equal(t, want, typ.target)
		require.Empty(t, p.affected(&catalog.Table{Columns: make([]catalog.Column, 2)}, &catalog.Column{Name: "c", Type: base("money", "")}, typ), "every amount fits")
	}
}

// T26: a graph of vectors may be refused after long work. It is built after all
// else that makes something, and its failure is no failure of the run.
func TestVectorIndexesComeLastT26(t *testing.T) {
	t.Parallel()
	db := &catalog.Database{
		ServerVersion: 150000, Schemas: []catalog.Schema{{Name: "public"}}, Extensions: []catalog.Extension{{Name: "vector", Schema: "public"}},
		Tables: []catalog.Table{{Name: catalog.Name{Schema: "public", Name: "items"}, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
			{Name: "id", Num: 1, Type: builtInType("int8", "bigint", -1), NotNull: true, Local: true, StatsTgt: -1},
			{Name: "e", Num: 2, Type: catalog.Type{Name: catalog.Name{Schema: "public", Name: "vector"}, Kind: catalog.KindBase, Mod: 3, Text: "public.vector(3)", Extension: "vector"}, Local: true, StatsTgt: -1},
		}, HeapBytes: 1 << 40}}, // with a statement timeout other indexes would be made before the rows
	}
	for _, x := range []struct{ name, method, keys string }{{"by_e", "hnsw", "e public.vector_l2_ops"}, {"lists", "ivfflat", "e public.vector_l2_ops"}, {"by_id", "btree", "id"}} {
		column, _, _ := strings.Cut(x.keys, " ")
		db.Indexes = append(db.Indexes, catalog.Index{
			Name: catalog.Name{Schema: "public", Name: x.name}, Table: db.Tables[0].Name, Method: x.method, Valid: true, Keys: []catalog.IndexKey{{Column: column}},
			Def: catalog.IndexDef("CREATE INDEX " + x.name + " ON public.items USING " + x.method + " (" + x.keys + ")"),
		})
	}
	db.Comments = []catalog.Comment{{Kind: "index", Name: catalog.Name{Schema: "public", Name: "by_e"}, Text: "the graph"}}
	plan, err := Generate(db, DB9(), Options{})
	require.NoError(t, err)
	requireSound(t, db, plan)
	at := map[string]int{}
	for i, s := range plan.Statements {
		at[s.ID] = i
	}
	for _, name := range []string{"by_e", "lists"} {
		s := plan.Statements[at["indexes/public.items/"+name]]
		require.Contains(t, s.SQL, " USING hnsw (")
		require.True(t, s.Optional)
		require.Equal(t, PhaseVectorIndexes, s.Phase)
		require.Contains(t, s.Findings, indexVector)
		require.Greater(t, at[s.ID], at["indexes/public.items/by_id"])
		require.Greater(t, at["comments/index public.by_e"], at[s.ID])
	}
}
