package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func column(fields ...string) infoColumn {
	row := infoRow{}
	for i := 0; i < len(fields); i += 2 {
		row[fields[i]] = fields[i+1]
	}
	return infoColumn{row}
}

// What a catalog may call a column that is as planned, and what is another type.
func TestTypeHolds(t *testing.T) {
	t.Parallel()
	const data, udt, length, precision, scale, digits = "data_type", "udt_name", "character_maximum_length", "numeric_precision", "numeric_scale", "datetime_precision"
	for _, c := range []struct {
		want  string
		found infoColumn
		holds bool
	}{
		{"integer", column(data, "integer", udt, "int4", precision, "32", scale, "0"), true},
		{"integer", column(data, "int4"), true},
		{"integer", column(data, "INT"), true},
		{"integer", column(data, "serial"), true},
		{"integer", column(data, "bigint"), false},
		{"integer", column(data, "smallint"), false},
		{"integer", column(data, "text", udt, "text"), false},
		{"bigint", column(data, "bigserial"), true},
		{"bigint", column(data, "int8"), true},
		{"bigint", column(data, "integer"), false},
		{"boolean", column(data, "bool"), true},
		{"double precision", column(data, "double precision", udt, "float8", precision, "53"), true},
		{"double precision", column(data, "real"), false},
		{"character varying(10)", column(data, "character varying", length, "10"), true},
		{"character varying(10)", column(data, "varchar(10)"), true},
		{"character varying(10)", column(data, "character varying"), true}, // the length is not told
		{"character varying(10)", column(data, "character varying", length, "9"), false},
		{"character varying(10)", column(data, "text"), false},
		{"character varying", column(data, "text"), true},
		{"text", column(data, "character varying"), true},
		{"text", column(data, "character varying", length, "255"), false},
		{"text", column(data, "jsonb"), false},
		{"jsonb", column(data, "json"), false},
		{"jsonb", column(data, "jsonb", udt, "jsonb"), true},
		{"uuid", column(data, "text"), false},
		{"numeric", column(data, "numeric"), true},
		{"numeric", column(data, "decimal"), true},
		{"numeric", column(data, "numeric", precision, "28"), true},
		{"numeric", column(data, "numeric", precision, "28", scale, "10"), false},
		{"numeric(12,2)", column(data, "numeric", precision, "12", scale, "2"), true},
		{"numeric(12,2)", column(data, "numeric"), true},
		{"numeric(12,2)", column(data, "numeric", precision, "12", scale, "0"), false},
		{"numeric(12,2)", column(data, "numeric", precision, "10", scale, "2"), false},
		{"numeric(5)", column(data, "numeric", precision, "5", scale, "0"), true},
		{"numeric(5,0)", column(data, "numeric", precision, "5", scale, "0"), true},
		{"timestamp(3) without time zone", column(data, "timestamp without time zone", digits, "3"), true},
		{"timestamp(3) without time zone", column(data, "timestamp without time zone", digits, "6"), true},
		{"timestamp(3) without time zone", column(data, "timestamp"), true},
		{"timestamp(3) without time zone", column(data, "timestamp(3)"), true},
		{"timestamp(3) without time zone", column(data, "timestamp with time zone", digits, "3"), false},
		{"timestamp(3) without time zone", column(data, "timestamp without time zone", digits, "0"), false},
		{"timestamp(3) with time zone", column(data, "timestamptz"), true},
		{"timestamp(3) with time zone", column(data, "timestamp(3) with time zone"), true},
		{"timestamp without time zone", column(data, "timestamp without time zone", digits, "3"), false},
		{"time without time zone", column(data, "time", digits, "6"), true},
		{"time without time zone", column(data, "interval"), false},
		{"interval", column(data, "interval", digits, "3"), true},
		{"interval", column(data, "text"), false},
		{"integer[]", column(data, "ARRAY", udt, "_int4"), true},
		{"integer[]", column(data, "integer[]"), true},
		{"integer[]", column(data, "ARRAY", udt, "_text"), false},
		{"integer[]", column(data, "text", udt, "text"), false},
		{"integer[]", column(data, "integer"), false},
		{"character varying(10)[]", column(data, "ARRAY", udt, "_varchar"), true},
		{"timestamp(3) with time zone[]", column(data, "ARRAY", udt, "_timestamptz"), true},
		{"text[]", column(data, "ARRAY", udt, "_varchar"), false},
		{"public.state", column(data, "USER-DEFINED", udt, "state"), true},
		{"public.state", column(data, "state"), true},
		{"public.state", column(data, "text", udt, "text"), false},
		{"public.state", column(data, "USER-DEFINED", udt, "State"), false},
		{`"odd Schema"."a State"`, column(data, "USER-DEFINED", udt, "a State"), true},
		{"public.state[]", column(data, "ARRAY", udt, "_state"), true},
		{"public.vector(3)", column(data, "USER-DEFINED", udt, "vector"), true},
		{"public.vector(3)", column(data, "vector(3)"), true},
		{"public.vector(3)", column(data, "text"), false},
		{"name", column(data, "name"), true},
		{"bytea", column(data, "text"), false},
	} {
		word, known := c.found.word()
		require.True(t, known)
		require.Equal(t, c.holds, parseType(c.want).holds(word), "%s, found %v (%s)", c.want, c.found.row, word)
	}
	for _, untold := range []infoColumn{column(), column(data, "ARRAY"), column(data, "USER-DEFINED")} {
		_, known := untold.word()
		require.False(t, known)
	}
}
