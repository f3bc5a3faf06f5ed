package main

import (
	"context"
	"fmt"
	"math"
)

// Tables of the case many-tables at -size 1: half of them first, then all.
const manyTables = 100_000

// manyBytes is nothing to speak of: the tables are empty.
const manyBytes = 0

// manyTablesCase reads a schema of very many tables, by assess and by schema:
// what it takes must grow with the number of tables, and stay in bounded memory.
func manyTablesCase(ctx context.Context, b *bench) (*result, error) {
	all := int(math.Round(manyTables * b.opts.size))
	half := all / 2
	if err := recreate(ctx, b.source); err != nil {
		return nil, err
	}
	r := &result{Data: fmt.Sprintf("%d, then %d empty tables of 3 columns with a primary key, each second with an index, each tenth with a foreign key", half, all)}
	wall := map[string][]float64{}
	made := 0
	for _, n := range []int{half, all} {
		if err := b.makeMany(ctx, made, n); err != nil {
			return nil, err
		}
		made = n
		for _, cmd := range []string{"assess", "schema"} {
			c := &contender{
				Name: fmt.Sprintf("%s, %d tables", cmd, n), keep: true,
				recipe: recipe{steps: []pipeline{{{b.opts.pg2db9, cmd, "--source", b.sourceURL(), "--profile", "db9", "--no-progress"}}}},
			}
			for range max(1, b.opts.rounds) {
				if err := b.single(ctx, c); err != nil {
					return nil, err
				}
			}
			r.Contenders = append(r.Contenders, c)
			wall[cmd] = append(wall[cmd], median(c.walls()))
			if n == all {
				r.Figures = append(r.Figures,
					atMost("max RSS, "+c.Name, median(c.rss()), "MiB", 500),
					figure{Name: cmd + ", time of all to time of half (2 is linear)", Value: wall[cmd][1] / wall[cmd][0]},
				)
			}
		}
	}
	return r, nil
}

// makeMany makes the tables from..to-1, some hundred a transaction.
func (b *bench) makeMany(ctx context.Context, from, to int) error {
	const step = 300 // the locks of a transaction are few as installed
	for i := from; i < to; i += step {
		sql := fmt.Sprintf(`DO $$
			DECLARE n integer;
			BEGIN
				FOR n IN %d .. %d LOOP
					EXECUTE format('CREATE TABLE s%%1$s.t%%2$s (id bigint PRIMARY KEY, name text NOT NULL, made timestamptz(3) DEFAULT now()%%3$s)', n %% 100, n,
						CASE WHEN n %% 10 = 0 AND n >= 100 THEN format(', parent bigint REFERENCES s%%s.t%%s (id)', (n - 100) %% 100, n - 100) ELSE '' END);
					IF n %% 2 = 0 THEN
						EXECUTE format('CREATE INDEX ON s%%s.t%%s (made)', n %% 100, n);
					END IF;
				END LOOP;
			END $$`, i, min(i+step, to)-1)
		if i == 0 {
			sql = `DO $$ DECLARE n integer; BEGIN FOR n IN 0 .. 99 LOOP EXECUTE format('CREATE SCHEMA s%s', n); END LOOP; END $$; ` + sql
		}
		if _, err := query(ctx, b.sourceURL(), sql); err != nil {
			return fmt.Errorf("make tables %d to %d: %w", i, min(i+step, to)-1, err)
		}
	}
	_, err := query(ctx, b.sourceURL(), "VACUUM ANALYZE pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_depend, pg_catalog.pg_constraint, pg_catalog.pg_index, pg_catalog.pg_attrdef")
	return err
}
