package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// SourceTables checks that the role may read the tables, their leaf partitions
// included, and that no policy hides rows of them.
func SourceTables(q Querier, tables []catalog.Name) Check {
	return Check{"source privileges", func(ctx context.Context) ([]finding.Finding, error) {
		v, err := askServer(ctx, q)
		if err != nil {
			return nil, err
		}
		schemas, objects := split(tables)
		bad, err := rows[sourceTable](ctx, q, "source_tables", schemas, objects)
		if err != nil {
			return nil, err
		}
		return append(usageFindings(v.Role, bad), tableFindings(v.Role, bad)...), nil
	}}
}

type sourceTable struct {
	Schema   string `db:"schema"`
	Name     string `db:"name"`
	Usage    bool   `db:"usage"`
	Readable bool   `db:"readable"`
	Filtered bool   `db:"filtered"`
}

// usageFindings is one finding for each schema that the role may not use.
func usageFindings(role string, bad []sourceTable) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, t := range bad {
		if t.Usage || seen[t.Schema] {
			continue
		}
		seen[t.Schema] = true
		out = append(out, finding.Finding{
			Code: SourcePrivilege, Severity: finding.Block, Object: finding.Object{Kind: "schema", Name: t.Schema},
			Message: fmt.Sprintf("the source's role %q may not use the schema", role),
			Remedy:  fmt.Sprintf("on the source: GRANT USAGE ON SCHEMA %s TO %s; or --exclude-schema", quote.Ident(t.Schema), quote.Ident(role)),
		})
	}
	return out
}

func tableFindings(role string, bad []sourceTable) []finding.Finding {
	var out []finding.Finding
	for _, t := range bad {
		obj := finding.Object{Kind: "table", Schema: t.Schema, Name: t.Name}
		if !t.Readable {
			out = append(out, finding.Finding{
				Code: SourcePrivilege, Severity: finding.Block, Object: obj,
				Message: fmt.Sprintf("the source's role %q may not read the table", role),
				Remedy:  fmt.Sprintf("on the source: GRANT SELECT ON TABLE %s TO %s; or --exclude-table", quote.Name(t.Schema, t.Name), quote.Ident(role)),
			})
		}
		if t.Filtered {
			out = append(out, finding.Finding{
				Code: SourceRowSecurity, Severity: finding.Block, Object: obj,
				Message: fmt.Sprintf("row security would hide rows of the table from role %q", role),
				Remedy: fmt.Sprintf("read as the table's owner or a role with BYPASSRLS (ALTER ROLE %s BYPASSRLS, or NO FORCE ROW LEVEL SECURITY on the table), or --exclude-table",
					quote.Ident(role)),
			})
		}
	}
	return out
}

// SourceSequences checks that the role may read the sequences.
func SourceSequences(q Querier, sequences []catalog.Name) Check {
	return Check{"source sequences", func(ctx context.Context) ([]finding.Finding, error) {
		v, err := askServer(ctx, q)
		if err != nil {
			return nil, err
		}
		schemas, objects := split(sequences)
		type sequence struct {
			Schema string `db:"schema"`
			Name   string `db:"name"`
			Usage  bool   `db:"usage"`
		}
		bad, err := rows[sequence](ctx, q, "source_sequences", schemas, objects)
		if err != nil {
			return nil, err
		}
		var out []finding.Finding
		for _, s := range bad {
			out = append(out, finding.Finding{
				Code: SourcePrivilege, Severity: finding.Block, Object: finding.Object{Kind: "sequence", Schema: s.Schema, Name: s.Name},
				Message: fmt.Sprintf("the source's role %q may not read the sequence's position", v.Role),
				Remedy:  fmt.Sprintf("on the source: GRANT SELECT ON SEQUENCE %s TO %s", quote.Name(s.Schema, s.Name), quote.Ident(v.Role)),
			})
		}
		return out, nil
	}}
}

func split(all []catalog.Name) (schemas, objects []string) {
	schemas, objects = make([]string, len(all)), make([]string, len(all))
	for i, n := range all {
		schemas[i], objects[i] = n.Schema, n.Name
	}
	return schemas, objects
}

// few lists the first names and says how many there are beside them.
func few(all []string) string {
	const most = 10
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
