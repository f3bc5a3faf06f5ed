-- What a migration makes after the rows.

ALTER TABLE shop.order_item ADD PRIMARY KEY (order_id, placed_on, region, line);
ALTER TABLE shop.customer ADD CONSTRAINT customer_public_id_key UNIQUE (public_id);
ALTER TABLE shop.product ADD CONSTRAINT product_sku_key UNIQUE (sku) DEFERRABLE;

CREATE UNIQUE INDEX customer_email_lower ON shop.customer (lower(email));
CREATE INDEX customer_active_tier ON shop.customer (tier, created_at DESC) WHERE active;
CREATE UNIQUE INDEX product_one_flagship ON shop.product (category_id) WHERE price = 9999.99;
CREATE INDEX product_name_c ON shop.product (name text_pattern_ops) INCLUDE (price);
CREATE INDEX customer_preferences ON shop.customer USING gin (preferences);
CREATE INDEX orders_customer ON shop.orders (customer_id, placed_on);
CREATE INDEX orders_month ON shop.orders ((date_part('year', placed_on) * 12 + date_part('month', placed_on)));
CREATE INDEX order_item_product ON shop.order_item (product_id);
CREATE INDEX event_log_at ON shop.event_log (at) WHERE level = 'e';
CREATE INDEX "an index, oddly" ON "Odd Names"."order" ("Group", lower("it's"));
COMMENT ON INDEX shop.orders_customer IS 'For the page "my orders"';

ALTER TABLE shop.category ADD CONSTRAINT category_parent FOREIGN KEY (parent_id) REFERENCES shop.category;
ALTER TABLE shop.customer ADD CONSTRAINT customer_referred_by FOREIGN KEY (referred_by) REFERENCES shop.customer ON DELETE SET NULL;
ALTER TABLE shop.product ADD CONSTRAINT product_category FOREIGN KEY (category_id) REFERENCES shop.category ON UPDATE CASCADE ON DELETE RESTRICT;
ALTER TABLE shop.stock ADD CONSTRAINT stock_product FOREIGN KEY (product_id) REFERENCES shop.product ON DELETE CASCADE;
ALTER TABLE shop.orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES shop.customer;
ALTER TABLE shop.order_item ADD CONSTRAINT order_item_order FOREIGN KEY (order_id, placed_on, region) REFERENCES shop.orders ON DELETE CASCADE;
ALTER TABLE shop.order_item ADD CONSTRAINT order_item_product FOREIGN KEY (product_id) REFERENCES shop.product;
ALTER TABLE shop.payment ADD CONSTRAINT payment_order FOREIGN KEY (order_id, placed_on, region) REFERENCES shop.orders
  DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT payment_order ON shop.payment IS 'A payment may be booked before its order, within one transaction';

CREATE VIEW shop.customer_total AS
SELECT c.id, c.name, c.tier, count(o.id) AS orders, sum(o.total) AS spent
  FROM shop.customer c LEFT JOIN shop.orders o ON o.customer_id = c.id
 GROUP BY c.id;
COMMENT ON VIEW shop.customer_total IS 'What each customer has spent';

CREATE FUNCTION shop.count_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := OLD.revision + 1;
  RETURN NEW;
END
$$;
CREATE TRIGGER product_revision BEFORE UPDATE ON shop.product
  FOR EACH ROW EXECUTE FUNCTION shop.count_revision();

SELECT setval('public.ticket_number', -301);

DROP FUNCTION pg_temp.scaled(bigint);
DROP FUNCTION pg_temp.pick(bigint, text, bigint);
