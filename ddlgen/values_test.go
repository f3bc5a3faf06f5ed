package ddlgen

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// values are a column a type, with values that a careless transfer changes.
// What the documents say DB9 refuses (NaN in numeric, 24:00) plain PostgreSQL
// takes: here the transfer is proved, not the target.
const values = `
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'it''s, "ok"', '');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN small AS smallint CHECK (VALUE > -5);
CREATE DOMAIN stamp AS timestamptz;
CREATE DOMAIN kind AS mood;
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE TABLE v (
    n integer PRIMARY KEY,
    c_int2 smallint, c_float4 real, c_float8 double precision, c_numeric numeric, c_money money,
    c_text text, c_char char(5), c_byte "char", c_bytea bytea,
    c_date date, c_time time, c_timetz timetz, c_ts timestamp, c_tstz timestamptz, c_interval interval,
    c_json json, c_jsonb jsonb, c_tsvector tsvector, c_xml xml, c_inet inet, c_cidr cidr, c_mac macaddr8,
    c_range int4range, c_multi nummultirange, c_user floats,
    c_point point, c_box box, c_polygon polygon, c_bit bit(3), c_varbit varbit,
    c_oid oid, c_xid8 xid8, c_tid tid, c_regclass regclass, c_lsn pg_lsn, c_path jsonpath,
    c_hstore hstore, c_citext citext, c_ltree ltree,
    c_mood mood, c_pair pair, c_small small, c_stamp stamp, c_kind kind,
    a_int2 smallint[], a_float4 real[], a_text text[], a_char char(3)[], a_tstz timestamptz[], a_inet inet[], a_box box[],
    a_mood mood[], a_pair pair[], a_small small[], a_stamp stamp[], a_bytea bytea[], a_oid oid[], a_hstore hstore[], a_range int4range[]
);
INSERT INTO v (n) VALUES (0);
INSERT INTO v VALUES (
    1, -32768, 0.1, 0.1, 12345678901234567890.12345, 1234.5,
    E'a\tb\\n\n\\.', 'ab', 'x', '\x00ff5c', '0044-03-15 BC', '23:59:59.999999', '12:00+05:45', '2020-01-01 00:00:00.1235', 'infinity', '1 mon -3 days 04:05:06.789123',
    '{"b":1, "a" : [1,2]}', '{"n":1e400}', 'fat:2A cat:1', '<a>&amp;</a>', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03:04:05',
    '[1,5)', '{[1,2),(3,4]}', '[1.5,]',
    '(1.5,-2)', '(2,2),(0,0)', '((0,0),(1,1),(1,0))', '101', '',
    4294967295, '18446744073709551615', '(4294967295,65535)', 'pg_class', '16/B374D848', '$."a"[*]',
    '"a b"=>"1", c=>NULL', 'MixedCase', 'top.a_b',
    'it''s, "ok"', ROW(1, E'x\\",y'), -4, '1999-12-31 23:59:59.9996+00', 'sad',
    '{1,NULL,-3}', '{0.1,1e10,NULL,NaN}', '{"",NULL,"NULL","a b","{}","\\",","}', '{a,"bb "}', '{"2020-01-01 00:00:00.9996+00",infinity}', '{10.0.0.1,::1}', '{(2,2),(0,0);(1,1),(0,0)}',
    '{sad,"it''s, \"ok\"",""}', ARRAY[ROW(1,'x')::pair, NULL], '{1,2}', '{"2020-01-01 00:00:00.0005+00"}', '{"\\x00","\\x5c"}', '{1,4294967295}', ARRAY['a=>1'::hstore], '{"[1,3)",empty}'
);
INSERT INTO v (n, c_int2, c_float4, c_float8, c_numeric, c_char, c_interval, a_int2, a_text, c_pair, c_jsonb)
VALUES (2, 32767, 'NaN', '-0', 'NaN', '', '-178000000 years', '[2:3][0:1]={{1,2},{3,4}}', '{}', ROW(NULL, NULL), '"\\u00e9"'),
    (3, 0, 3.4028235e38, '-Infinity', 0.000, '  x', '00:00:00.0004', '{}', '[5:5]={x}', ROW(2147483647, ''), 'null'),
    (4, 1, 1e-45, 1e16, -1.50, 'abcde', '25:00:00', NULL, NULL, NULL, NULL), (5, 2, 1000000, 5e-324, 1e20, 'ä', '1 day', NULL, NULL, NULL, NULL);
`

// V1, V2, V3, V17, V18, V20, V21: each transfer takes every value over, and
// what the target gives back is what was sent.
func TestTransfersCarryValues(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	source := server.Database(t)
	source.Exec(t, values)
	from := source.Conn(t)
	db := load(t, from)
	for _, profile := range []Profile{Postgres(), DB9()} {
		t.Run(profile.Name, func(t *testing.T) {
			plan, err := Generate(db, profile, Options{Accept: []string{string(typeUnavailable), string(typeRefused)}})
			require.NoError(t, err)
			to := server.Database(t).Conn(t)
			apply(t, to, plan)
			require.Len(t, plan.Transfers, 1)
			tr := plan.Transfers[0]

			var selects, reads []string
			var targets []string
			for _, c := range tr.Columns {
				selects = append(selects, c.Select)
				reads = append(reads, c.ReadBack)
				targets = append(targets, ident(c.Target))
			}
			for _, conn := range []*pgx.Conn{from, to} {
				for _, set := range []string{"SET TimeZone = 'UTC'", "SET search_path = ''", "SET extra_float_digits = 3"} {
					_, err := conn.Exec(t.Context(), set)
					require.NoError(t, err)
				}
			}
			sent := copyOut(t, from, fmt.Sprintf("COPY (SELECT %s FROM ONLY %s ORDER BY n) TO STDOUT", strings.Join(selects, ", "), quoted(tr.Relations[0])))
			tag, err := to.PgConn().CopyFrom(t.Context(), strings.NewReader(sent),
				fmt.Sprintf("COPY %s (%s) FROM STDIN", quoted(tr.Target), strings.Join(targets, ", ")))
			require.NoError(t, err)
			require.EqualValues(t, 6, tag.RowsAffected())
			back := copyOut(t, to, fmt.Sprintf("COPY (SELECT %s FROM %s ORDER BY n) TO STDOUT", strings.Join(reads, ", "), quoted(tr.Target)))

			sentRows, backRows := strings.Split(sent, "\n"), strings.Split(back, "\n")
			require.Len(t, backRows, len(sentRows))
			for i := range sentRows {
				s, b := strings.Split(sentRows[i], "\t"), strings.Split(backRows[i], "\t")
				require.Len(t, b, len(s))
				for j := range s {
					if len(s) == len(tr.Columns) && tr.Columns[j].Canon == digest.Float4 {
						s[j], b[j] = single(s[j]), single(b[j])
					}
					require.Equal(t, s[j], b[j], "row %d, %s", i, reads[min(j, len(reads)-1)])
				}
			}
		})
	}
}

func copyOut(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	var b bytes.Buffer
	_, err := conn.PgConn().CopyTo(t.Context(), &b, sql)
	require.NoError(t, err)
	return b.String()
}

// single rounds a number's text to single precision.
func single(text string) string {
	f, err := strconv.ParseFloat(text, 32)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(f, 'g', -1, 32)
}
