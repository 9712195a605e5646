-- What a request waits for, and since when: deadlines are counted in working days by the reader's calendar.
ALTER TABLE grants ADD COLUMN due TEXT;          -- decide, extended or returned; none when nothing is awaited
ALTER TABLE grants ADD COLUMN due_from INTEGER;  -- the request's time; for returned, the moment that the ruling names
CREATE INDEX grants_due ON grants (due, due_from) WHERE due IS NOT NULL;
