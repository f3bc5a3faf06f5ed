-- The rows. Nothing here depends on the clock, on chance or on the order in
-- which a server happens to answer.

INSERT INTO shop.country (code, label, dialing, vat) VALUES
  ('DE', 'Germany', 49, 19.0), ('FR', 'France', 33, 20.0), ('GB', 'United Kingdom', 44, 20.0),
  ('US', 'United States', 1, NULL), ('JP', 'Japan', 81, 10.0), ('BR', 'Brazil', 55, 17.0),
  ('IN', 'India', 91, 18.0), ('IS', 'Iceland', 354, 24.0), ('CI', 'Côte d''Ivoire', 225, 18.0),
  ('AQ', 'Antarctica', NULL, DEFAULT);

INSERT INTO shop.category (parent_id, name, path)
SELECT CASE WHEN n > 6 THEN (n - 1) / 6 END,
       'Category ' || n,
       CASE WHEN n > 6 THEN ARRAY['Category ' || (n - 1) / 6, 'Category ' || n] ELSE ARRAY['Category ' || n] END
  FROM generate_series(1, 60) n;

INSERT INTO shop.customer (public_id, name, email, tier, past_tiers, home, tags, preferences, discount, points, birthday, active, referred_by, created_at)
SELECT md5('customer' || n)::uuid,
       (ARRAY['Ada', 'Björn', 'Chloé', 'D''Arcy', 'Émile', '富士子', 'Zoë 🙂'])[1 + n % 7] || ' ' || initcap(substr(md5('name' || n), 1, 8)),
       'User.' || n || '@' || (ARRAY['example.com', 'Example.org', 'mail.example.net'])[1 + n % 3],
       (enum_range(NULL::shop.tier))[1 + pg_temp.pick(n, 'tier', 4)],
       CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}'::shop.tier[] WHEN 2 THEN ARRAY['none', 'friend''s']::shop.tier[] ELSE ARRAY['silver', NULL, 'gold']::shop.tier[] END,
       CASE WHEN n % 5 > 0 THEN ROW((n % 200) || ' Main "St", 2nd', 'City ' || pg_temp.pick(n, 'city', 300), CASE WHEN n % 3 > 0 THEN lpad((n % 99999)::text, 5, '0') END, 'DE')::shop.address END,
       CASE n % 5 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['new'] WHEN 2 THEN ARRAY['vip', 'a,b', 'say "hi"'] WHEN 3 THEN ARRAY['', 'NULL', NULL] ELSE ARRAY['{brace}', 'back\slash'] END,
       jsonb_build_object('newsletter', n % 2 = 0, 'language', (ARRAY['de', 'fr', 'en'])[1 + n % 3], 'limits', jsonb_build_array(n, n / 8.0, NULL), 'nested', jsonb_build_object('k' || n % 50, md5(n::text))),
       CASE WHEN n % 3 > 0 THEN (n % 1000) / 10.0 END,
       (n * 7 % 65536) - 32768,
       CASE WHEN n % 4 > 0 THEN date '1930-01-01' + (n * 37 % 30000)::integer END,
       n % 11 > 0,
       CASE WHEN n > 10 AND n % 3 = 0 THEN n / 3 END,
       timestamptz '2020-01-01 00:00:00+00' + interval '3723.456 seconds' * n
  FROM generate_series(1, pg_temp.scaled(12000)) n;

INSERT INTO shop.product (sku, category_id, name, price, weight, rating, size_code, dimensions, attributes, thumbnail, opens, handling, precise)
SELECT chr(65 + (n % 26)::integer) || chr(65 + (n / 26 % 26)::integer) || '-' || n,
       CASE WHEN n % 9 > 0 THEN 1 + n % 60 END,
       'Product ' || n || CASE WHEN n % 10 = 0 THEN E' with a\ttab' ELSE '' END,
       (n * 137 % 1000000) / 100.0,
       CASE WHEN n % 6 > 0 THEN n / 7.0 END,
       CASE n % 50 WHEN 0 THEN 0 WHEN 1 THEN -1.5e-300 WHEN 2 THEN 1e300 ELSE n / 3.0 END,
       (ARRAY['S', 'M', 'XL', 'XXXL', NULL])[1 + n % 5],
       CASE WHEN n % 4 > 0 THEN ARRAY[[n / 10.0, 1], [2.125, NULL]]::numeric(8, 3)[] END,
       CASE n % 6 WHEN 0 THEN NULL WHEN 1 THEN 'null' WHEN 2 THEN '[]' WHEN 3 THEN '{"a": {"b": [1, 2.50, "x\"y", "\u00e9"]}}' ELSE jsonb_build_object('color', (ARRAY['red', 'gr\een'])[1 + n % 2], 'n', n) END,
       CASE WHEN n % 3 > 0 THEN decode(repeat(md5('thumb' || n), (n % 20)::integer), 'hex') END,
       time '08:00:00' + interval '1.001 seconds' * (n % 3000),
       CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN interval '1 month 3 days' WHEN 2 THEN interval '-2 days 03:04:05.678' WHEN 3 THEN interval '0' ELSE interval '1.234 seconds' * n END,
       CASE n % 5 WHEN 0 THEN 0 WHEN 1 THEN 123456789012345678.0123456789 WHEN 2 THEN -0.0000000000000000000000000001 WHEN 3 THEN n * 1.50 ELSE 9999999999999999999999999999 END
  FROM generate_series(1, pg_temp.scaled(3000)) n;

INSERT INTO shop.stock (product_id, warehouse, quantity, reserved, counted_at)
SELECT p.id, w, pg_temp.pick(p.id * 10 + w, 'stock', 500), CASE WHEN w = 2 THEN 0 ELSE pg_temp.pick(p.id * 10 + w, 'stock', 500) / 2 END,
       CASE WHEN w < 4 THEN timestamp '2024-06-01' + interval '0.007 seconds' * p.id END
  FROM shop.product p, generate_series(1, 4) w
 ORDER BY p.id, w;

-- Six years, so that the default partition has rows as well.
INSERT INTO shop.orders (placed_on, region, customer_id, status, ship_to, placed_at, total, note)
SELECT (at AT TIME ZONE 'UTC')::date, (ARRAY['eu', 'us', 'uk', 'jp', 'br'])[1 + pg_temp.pick(n, 'region', 5)],
       1 + pg_temp.pick(n, 'customer', pg_temp.scaled(12000)),
       (enum_range(NULL::shop.order_status))[1 + pg_temp.pick(n, 'status', 5)],
       CASE WHEN n % 7 = 0 THEN ROW(n || ' Pier', NULL, '', 'FR')::shop.address END,
       at, pg_temp.pick(n, 'total', 10000000) / 100.0,
       CASE n % 20 WHEN 0 THEN '' WHEN 1 THEN E'two\nlines' WHEN 2 THEN 'please ring: ' || md5(n::text) END
  FROM (SELECT n, timestamptz '2021-01-01 00:00:00+00' + interval '1 second' * (n * 157766400 / pg_temp.scaled(40000)) + interval '1 millisecond' * (n % 1000) AS at
          FROM generate_series(1, pg_temp.scaled(40000)) n) t
 ORDER BY n;

INSERT INTO shop.order_item (order_id, placed_on, region, line, product_id, quantity, unit_price, gift)
SELECT o.id, o.placed_on, o.region, line,
       1000 + 10 * pg_temp.pick(o.id * 10 + line, 'product', pg_temp.scaled(3000)),
       1 + pg_temp.pick(o.id * 10 + line, 'quantity', 9),
       pg_temp.pick(o.id * 10 + line, 'price', 1000000) / 100.0,
       CASE line WHEN 1 THEN NULL ELSE line = 2 END
  FROM shop.orders o, generate_series(1, 1 + o.id % 4) line
 ORDER BY o.id, line;

INSERT INTO shop.payment (id, method, order_id, placed_on, region, amount, paid_at, reference)
SELECT id, (ARRAY['card', 'card', 'card', 'cash', 'transfer', 'it''s a voucher'])[1 + pg_temp.pick(id, 'method', 6)],
       id, placed_on, region, round(total, 2), placed_at + interval '90.5 minutes', decode(md5(id::text), 'hex')
  FROM shop.orders
 WHERE status <> 'placed'
 ORDER BY id;

INSERT INTO shop.event_log (at, level, source, message, detail, took)
SELECT timestamp '2024-01-01' + interval '1 second' * (n / 2) + interval '1 microsecond' * (n / 2 % 7),
       substr('iiiwe', 1 + (n / 2 % 5)::integer, 1)::"char",
       ('10.' || n / 2 % 250 || '.0.' || n / 2 % 200)::inet,
       CASE WHEN n / 2 % 13 > 0 THEN 'event ' || md5((n / 2)::text) END,
       json_build_object('z', n / 2, 'a', ARRAY[1, 2]),
       interval '1 millisecond' * (n / 2 % 100000)
  FROM generate_series(1, pg_temp.scaled(12000)) n;

INSERT INTO "Odd Names"."order" ("Group", "with space", "a ""quoted"" one", "it's", "back\slash", "naïve – ünïcode", "$1", "%s")
SELECT 'g' || n % 3, 'w ' || n, '"' || n || '"', '''' || n, '\' || n, 'ü' || n, nullif(n % 40, 13), n
  FROM generate_series(1, 400) n;

INSERT INTO "Odd Names"."two
lines" SELECT n, E'a\nb ' || n, repeat(' ', n % 5) FROM generate_series(1, 50) n;

INSERT INTO "Odd Names".name_of_sixty_three_bytes_which_is_the_most_that_a_server_takes
SELECT n, n * n, md5(n::text) FROM generate_series(1, 100) n;

INSERT INTO "Odd Names"."Texts" (id, value, words, doc, raw) VALUES
  (1, '', '{}', '{}', ''),
  (2, NULL, NULL, NULL, NULL),
  (3, '\N', ARRAY['\N', NULL, 'NULL', 'null', ''], '"\\N"', '\x5c4e'),
  (4, '\.', ARRAY['\.', '"', '\', '{', ',', ' '], '["\\."]', '\x5c2e0a'),
  (5, E'tab\there', ARRAY[E'tab\there'], '{"\t": "\n"}', '\x09'),
  (6, E'line\nfeed', ARRAY[E'line\nfeed'], '[null, true, 1e2]', '\x0a'),
  (7, E'carriage\rreturn\r\n', NULL, '{"a": 1.10}', '\x0d0a'),
  (8, E'\b\f\013\001\177', NULL, '{"": {"": []}}', '\x0001020304ff'),
  (9, 'ünïcødé 富士山 🙂 e' || U&'\0301' || U&'\200F' || U&'\FEFF', ARRAY['富士山', '🙂'], '{"富士": "🙂"}', '\xf09f9982'),
  (10, '  blanks at both ends  ', ARRAY['  '], '"  "', '\x2020'),
  (11, repeat('long ', 40000), NULL, to_jsonb(repeat('x', 9000)), decode(repeat('00ff', 60000), 'hex')),
  (12, '%s %d :name ? $1 ''quoted'' "double" $$dollar$$', ARRAY['%s'], '{"$": "%"}', '\x25'),
  (32767, 'the largest smallint', ARRAY['a', 'b'], '9007199254740993', '\x7f'),
  (-32768, 'the smallest', ARRAY['c'], '-0.5', '\x80');
