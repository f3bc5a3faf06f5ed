package corpora_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T27: what the routines of two real projects do, by kind, word and lines. All
// others do nothing of note: their many RAISE EXCEPTION, EXECUTE FUNCTION in
// strings, and "temp" and "lock" in comments and names are no hits.
func TestRoutinesOfCorpora(t *testing.T) {
	t.Parallel()
	dir := root(t)
	tests := []struct {
		corpus   string
		routines int
		want     map[string]string
	}{
		{"danbooru", 3, map[string]string{}},
		{"hatchet", 48, map[string]string{
			"cleanup_workflow_concurrency_slots":                         "advisory lock pg_advisory_xact_lock 14",
			"compute_olap_payload_batch_size":                            "execute EXECUTE 32",
			"compute_payload_batch_size":                                 "execute EXECUTE 32",
			"convert_duration_to_interval":                               "loop LOOP 27",
			"copy_v1_payload_partition_structure":                        "execute EXECUTE 28 34 49 90 92",
			"copy_v1_payloads_olap_partition_structure":                  "execute EXECUTE 28 34 49 90 92",
			"create_olap_payload_offload_range_chunks":                   "execute EXECUTE 51",
			"create_payload_offload_range_chunks":                        "execute EXECUTE 51",
			"create_v1_hash_partitions":                                  "execute EXECUTE 19 20 28",
			"create_v1_partition_with_status":                            "execute EXECUTE 12 14 23",
			"create_v1_range_partition":                                  "execute EXECUTE 15 17 27",
			"create_v1_weekly_range_partition":                           "execute EXECUTE 15 17 26",
			"diff_olap_payload_source_and_target_partitions":             "execute EXECUTE 33",
			"diff_payload_source_and_target_partitions":                  "execute EXECUTE 34",
			"find_matching_tenants_in_task_events_tmp_partition":         "execute EXECUTE 8",
			"find_matching_tenants_in_task_status_updates_tmp_partition": "execute EXECUTE 8",
			"list_paginated_olap_payloads_for_offload":                   "execute EXECUTE 41",
			"list_paginated_payloads_for_offload":                        "execute EXECUTE 43",
			"list_task_events_tmp":                                       "execute EXECUTE 6",
			"list_task_status_updates_tmp":                               "execute EXECUTE 6",
			"swap_v1_payload_partition_with_temp":                        "execute EXECUTE 36 52 55 59 60 64 67 70 73 81",
			"swap_v1_payloads_olap_partition_with_temp":                  "execute EXECUTE 36 52 55 59 60 64 67 70 73 81",
			"unnest_nd_1d": "foreach FOREACH 7",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.corpus, func(t *testing.T) {
			t.Parallel()
			source := pgtest.Server(t).Database(t)
			load(t, dir, tt.corpus, source.URL)
			conn := connect(t, source)
			tx, err := conn.Begin(t.Context())
			require.NoError(t, err)
			db, err := catalog.Load(t.Context(), tx, catalog.LoadOptions{NoSizes: true})
			require.NoError(t, err)
			require.Len(t, db.Routines, tt.routines)
			got := map[string]string{}
			for _, r := range db.Routines {
				if uses := told(plsql.Classify(r.Language, r.Body)); uses != "" {
					got[r.Plain] = uses
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// told lists uses as "execute EXECUTE 12 19; loop LOOP 27".
func told(uses []plsql.Use) string {
	var order []string
	lines := map[string]string{}
	for _, u := range uses {
		what := fmt.Sprintf("%s %s", u.Kind, u.Word)
		if lines[what] == "" {
			order = append(order, what)
		}
		lines[what] += fmt.Sprintf(" %d", u.Line)
	}
	for i, what := range order {
		order[i] = what + lines[what]
	}
	return strings.Join(order, "; ")
}
