-- Extensions, what is theirs, and what is the user's but needs them.

CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
COMMENT ON EXTENSION hstore IS 'pairs';
CREATE EXTENSION btree_gist SCHEMA ext;
CREATE TABLE ext.settings (k ext.citext PRIMARY KEY, v text DEFAULT 'x' CHECK (v <> ''));
CREATE INDEX settings_v ON ext.settings (v);
COMMENT ON TABLE ext.settings IS 'a member';
COMMENT ON COLUMN ext.settings.v IS 'a column of a member';
CREATE TRIGGER of_member BEFORE INSERT ON ext.settings FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE SEQUENCE ext.counter;
CREATE TYPE ext.kind AS ENUM ('a');
CREATE DOMAIN ext.word AS text CHECK (VALUE <> '');
ALTER EXTENSION hstore ADD TABLE ext.settings;
ALTER EXTENSION hstore ADD SEQUENCE ext.counter;
ALTER EXTENSION hstore ADD TYPE ext.kind;
ALTER EXTENSION hstore ADD DOMAIN ext.word;
UPDATE pg_catalog.pg_extension SET extconfig = ARRAY['ext.settings'::regclass], extcondition = ARRAY[''] WHERE extname = 'hstore';

CREATE TABLE app.members (
    nick ext.citext PRIMARY KEY, nicks ext.citext[], data ext.hstore DEFAULT ext.hstore('a', 'b'), kind ext.kind, word ext.word,
    room integer, during tstzrange, setting ext.settings,
    CHECK (data OPERATOR(ext.?) 'a'),
    EXCLUDE USING gist (room WITH =, during WITH &&)
);
CREATE INDEX members_data ON app.members USING gist (data ext.gist_hstore_ops (siglen = 32));
CREATE DOMAIN app.mail AS ext.citext CHECK (VALUE OPERATOR(ext.~) '@');
