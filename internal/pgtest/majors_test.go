package pgtest_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

func TestMajorsSideBySide(t *testing.T) {
	t.Parallel()
	for major := pgserver.MinMajor; major <= pgserver.MaxMajor; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			c := pgtest.Major(t, major)
			require.Equal(t, major, c.Major())
			require.Same(t, c, pgtest.Major(t, major))
			num := c.Database(t).QueryString(t, "SHOW server_version_num")
			require.Equal(t, strconv.Itoa(major), num[:2])
		})
	}
}
