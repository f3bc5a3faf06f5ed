package probe

import (
	"context"
	"fmt"
	"strings"
)

// routineCases are functions in one line each; all return 7 where they work.
var routineCases = []struct{ key, body string }{
	{"exception", "DECLARE x integer; BEGIN BEGIN x := 1 / 0; EXCEPTION WHEN division_by_zero THEN RETURN 7; END; RETURN 0; END"},
	{"while", "DECLARE x integer := 0; BEGIN WHILE x < 7 LOOP x := x + 1; END LOOP; RETURN x; END"},
	{"loop", "DECLARE x integer := 0; BEGIN LOOP x := x + 1; EXIT WHEN x = 7; END LOOP; RETURN x; END"},
	{"continue", "DECLARE x integer := 0; BEGIN FOR i IN 1..8 LOOP CONTINUE WHEN i = 3; x := x + 1; END LOOP; RETURN x; END"},
	{"foreach", "DECLARE x integer; y integer := 0; BEGIN FOREACH x IN ARRAY ARRAY[3, 4] LOOP y := y + x; END LOOP; RETURN y; END"},
	{"diagnostics", "DECLARE n integer; BEGIN PERFORM 1; GET DIAGNOSTICS n = ROW_COUNT; RETURN n + 6; END"},
	{"execute", "DECLARE x integer; BEGIN EXECUTE ''SELECT 7'' INTO x; RETURN x; END"},
	{"cursor", "DECLARE c CURSOR FOR SELECT 7; x integer; BEGIN OPEN c; FETCH c INTO x; CLOSE c; RETURN x; END"},
}

// askPLpgSQL: created and called, since bodies may be looked at only then.
func askPLpgSQL(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	keys := make([]string, 0, len(routineCases)+1)
	call := func(expr string) string {
		switch r := s.try(ctx, "SELECT "+expr); {
		case !r.ok():
			return "fails when called"
		case r.value() == "7":
			return works
		}
		return "wrong"
	}
	for _, c := range routineCases {
		keys = append(keys, c.key)
		if r := s.try(ctx, fmt.Sprintf("CREATE FUNCTION %s() RETURNS integer LANGUAGE plpgsql AS '%s'", in("p19_"+c.key), c.body)); !r.ok() {
			values[c.key] = refused
			continue
		}
		values[c.key] = call(in("p19_" + c.key + "()"))
	}
	keys = append(keys, "overload")
	values["overload"] = refused
	f := in("p19_overload")
	if s.try(ctx, "CREATE FUNCTION "+f+"(integer) RETURNS integer LANGUAGE sql AS 'SELECT 3'").ok() &&
		s.try(ctx, "CREATE FUNCTION "+f+"(text) RETURNS integer LANGUAGE sql AS 'SELECT 4'").ok() {
		values["overload"] = call(f + "(1) + " + f + "('a'::text)")
	}
	evidence := listed(values, keys...)
	working := strings.Count(evidence, " "+works)
	switch working {
	case len(keys):
		return verdict(true, "supported", evidence).with(values)
	case 0:
		return verdict(false, "unsupported", evidence).with(values)
	}
	return verdict(false, "partial", evidence).with(values)
}
