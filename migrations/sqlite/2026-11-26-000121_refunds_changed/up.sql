-- The newest change of a refund, for pages of figures that are left open.
CREATE INDEX refund_by_change ON refund (updated_at);
