package copier

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

//go:embed queries/keys.sql
var keysSQL string

// uniqueKey is a unique key over NOT NULL columns of a relation.
type uniqueKey struct {
	columns    []string
	types      []string // as SQL; of a domain, what it is over
	collations []string // as SQL; "" where the type has none
}

const (
	// scattered is the correlation below which rows lie so far from the order of
	// their key that reading by it costs a block a row.
	scattered = 0.3
	// evenParts is the number of parts up to which an even cut of a heap without
	// much TOAST is good enough.
	evenParts = 8
	// lookTimeout is how long the look at one table may take (ms).
	lookTimeout = 30_000
)

// look weighs the relations that are to be cut: it reads some of their rows.
// What it finds decides where they are cut, never what is copied: a relation
// that cannot be looked at is cut evenly by its blocks, or read whole.
func look(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan, sizes []relationSize, c cut) (map[int]scale, error) {
	if conn.PgConn().TxStatus() != 'T' { // a failed look must be undone by itself
		return nil, nil
	}
	scales := map[int]scale{}
	var keyed []sample
	i := 0
	for ti := range plan.Transfers {
		t := &plan.Transfers[ti]
		for _, r := range t.Relations {
			s := sample{transfer: t, relation: r, size: sizes[i], number: i, parts: len(c.weights(sizes[i].Heap + sizes[i].Toast))}
			i++
			switch {
			case s.parts < 2:
			case c.byBlocks(s.size):
				if s.parts < evenParts && s.size.Toast < s.size.Heap/8 {
					continue
				}
				along, err := s.weighBlocks(ctx, conn)
				if err != nil {
					return nil, err
				}
				if along != nil {
					scales[s.number] = along
				}
			case c.byKeys(s.size):
				keyed = append(keyed, s)
			}
		}
	}
	keys, err := readKeys(ctx, conn, keyed)
	if err != nil {
		return nil, err
	}
	for _, s := range keyed {
		k, ok := keys[s.relation]
		if !ok || c.by != SplitKeys && !c.shrink && k.correlation < scattered {
			continue // read whole: near by, one stream of a scan is faster than several that fetch row by row
		}
		s.key = k.uniqueKey
		along, err := s.weighKeys(ctx, conn)
		if err != nil {
			return nil, err
		}
		if along != nil {
			scales[s.number] = along
		}
	}
	return scales, nil
}

// foundKey is a unique key, and how well the heap's order follows its.
type foundKey struct {
	*uniqueKey
	correlation float64 // 0 to 1; 1 where it is not known
}

// readKeys finds the unique keys of relations.
func readKeys(ctx context.Context, conn *pgx.Conn, of []sample) (map[catalog.Name]foundKey, error) {
	if len(of) == 0 {
		return nil, nil
	}
	var schemas, names []string
	for _, s := range of {
		schemas, names = append(schemas, s.relation.Schema), append(names, s.relation.Name)
	}
	rows, err := conn.Query(ctx, keysSQL, schemas, names)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of tables: %w", err)
	}
	type row struct {
		Ord                        int64
		Columns, Types, Collations []string
		Correlation                float64
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("reading the keys of tables: %w", err)
	}
	keys := map[catalog.Name]foundKey{}
	for _, r := range list {
		keys[of[r.Ord-1].relation] = foundKey{&uniqueKey{columns: r.Columns, types: r.Types, collations: r.Collations}, r.Correlation}
	}
	return keys, nil
}

// aside runs f so that nothing is left of it on the connection: no lock (the
// snapshot's holder has none), no setting and no failed transaction. It says
// whether f was done: an error that the server gives to it is passed over.
func aside(ctx context.Context, conn *pgx.Conn, f func() error) (done bool, err error) {
	if _, err := conn.Exec(ctx, "SAVEPOINT pg2db9_look"); err != nil {
		return false, err
	}
	_, failed := conn.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d", lookTimeout))
	if failed == nil {
		failed = f()
	}
	if failed != nil && (conn.IsClosed() || ctx.Err() != nil || dial.SQLState(failed) == "") {
		return false, failed
	}
	_, err = conn.PgConn().Exec(ctx, "ROLLBACK TO SAVEPOINT pg2db9_look;RELEASE SAVEPOINT pg2db9_look").ReadAll()
	return failed == nil, err
}
