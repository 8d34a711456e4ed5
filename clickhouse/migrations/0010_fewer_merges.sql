-- Of tables that get a part with every unit of the pipeline: as many parts of about the same size are merged at once, in place of
-- five. So a row is written again in about log16 of the number of parts, and not log5.
ALTER TABLE footfall.event MODIFY SETTING merge_selector_base = 16;
ALTER TABLE footfall.page_daily MODIFY SETTING merge_selector_base = 16;
ALTER TABLE footfall.trend_daily MODIFY SETTING merge_selector_base = 16;
ALTER TABLE footfall.division_daily MODIFY SETTING merge_selector_base = 16;
ALTER TABLE footfall.log_hourly MODIFY SETTING merge_selector_base = 16;
