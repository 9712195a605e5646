DROP TABLE case_slips;
