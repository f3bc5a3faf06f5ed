package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndexTraits(t *testing.T) {
	t.Parallel()
	for def, want := range map[string]string{
		`CREATE INDEX unique_a ON public.include USING btree (a, b)`:                                       "index of 2 keys",
		`CREATE UNIQUE INDEX "i (x" ON "where"."a,b" USING btree ("a)b", lower("c"::text))`:                "unique index of 2 keys",
		`CREATE INDEX i ON t USING btree (a DESC, b NULLS FIRST, c DESC NULLS LAST, d ASC)`:                "index of 4 keys, 2 descending, 2 with NULLS moved",
		`CREATE INDEX i ON t USING btree (a DESC NULLS FIRST, b NULLS LAST)`:                               "index of 2 keys, 1 descending",
		`CREATE UNIQUE INDEX i ON t (a) INCLUDE (b, c) NULLS NOT DISTINCT WHERE (a = ANY (ARRAY[1, 2]))`:   "unique index of 1 keys, 2 included, NULLS NOT DISTINCT, partial",
		`CREATE INDEX i ON t USING btree (a COLLATE "C", coalesce(b, 'x,y)')) WITH (fillfactor='70', x=1)`: "index of 2 keys, 1 with COLLATE",
		`CREATE INDEX i ON t USING hnsw (v public.vector_l2_ops) WITH (m='16') WHERE b > 5`:                "index of 1 keys, partial",
		`nothing`: "index of 0 keys",
	} {
		require.Equal(t, want, indexTraits(def).String(), def)
	}
}
