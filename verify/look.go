package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// errLookCut is a look at the target whose connection broke on the way: what it
// had not asked for by then is not known.
var errLookCut = errors.New("the connection broke while the target was asked for what it has")

// lookWell is lookAtTarget, from its beginning again while the target is away,
// where the caller has said for how long: a restart is no reason to doubt days
// of work. Whatever is said of the target comes from one look.
func (v *run) lookWell(ctx context.Context) error {
	wait := newBackOff(v.p.Patience)
	for started := time.Now(); ; {
		err := v.lookAtTarget(ctx)
		class := dial.Classify(err)
		away := errors.Is(err, errLookCut) || class == dial.Lost || class == dial.Retry
		if !away || ctx.Err() != nil || time.Since(started) >= v.p.Patience {
			if errors.Is(err, errLookCut) { // no more than a lost connection: the rows may still be read by another
				return context.Cause(ctx)
			}
			return err
		}
		v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("the target is asked again for what it has: %v", err)})
		select {
		case <-time.After(wait.NextBackOff()):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		v.target.forgive()
		v.report.Notes, v.views = nil, nil
		if err := v.expect(); err != nil {
			return err
		}
	}
}
