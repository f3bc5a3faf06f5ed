package probe

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// Changes names the fields of a profile that differ, by their names in a
// profile file, sorted: "await: true -> false".
func Changes(before, after ddlgen.Profile) []string {
	b, a := fields(before), fields(after)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if string(a[name]) != string(b[name]) {
			out = append(out, fmt.Sprintf("%s: %s -> %s", name, b[name], a[name]))
		}
	}
	return out
}

func fields(p ddlgen.Profile) map[string]json.RawMessage {
	data, err := json.Marshal(p)
	var out map[string]json.RawMessage
	if err != nil || json.Unmarshal(data, &out) != nil {
		return nil // a struct of plain fields always does
	}
	return out
}
