package run

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Sizes plans the parts that a copy of a source's tables would have, by their
// bytes on its disk. No row is read, and nothing is locked.
func Sizes(ctx context.Context, source *dial.Endpoint, profile ddlgen.Profile, filter catalog.Filter, jobs int) (parts []copier.Part, tables int, err error) {
	none := func([]catalog.TableRef) ([]catalog.Name, error) { return nil, nil }
	snapshot, err := copier.OpenSnapshot(ctx, copier.SnapshotParams{Source: source, Settings: copier.ReaderSettings(profile), Match: none})
	if err != nil {
		return nil, 0, err
	}
	defer snapshot.Close(ctx)
	db, err := catalog.Load(ctx, snapshot.Conn(), catalog.LoadOptions{})
	if err != nil {
		return nil, 0, err
	}
	if db, _, err = db.Select(filter); err != nil {
		return nil, 0, err
	}
	plan, err := ddlgen.Generate(db, profile, ddlgen.Options{OnlyData: true})
	if err != nil {
		return nil, 0, err
	}
	parts, err = copier.PlanParts(ctx, snapshot.Conn(), plan, profile, jobs, copier.Split{Guess: true})
	if err != nil {
		return nil, 0, fmt.Errorf("planning the parts of a copy: %w", err)
	}
	return parts, len(plan.Transfers), nil
}
