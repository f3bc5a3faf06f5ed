//go:build !unix

package copier

import (
	"testing"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func holdWALWriter(*testing.T, *pgtest.DB) {} // no process can be held here
