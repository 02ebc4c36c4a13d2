/**
 * The wire contract of forsun. Methods, names, ids, types and defaults are those of snower/forsun 0.1:
 * its clients talk to this server unchanged. What is added stands behind the original's fields, is
 * optional, and is skipped by clients that do not know it.
 */

/** The refusal of a call; docs/errors.md lists the codes. */
exception ForsunPlanError{
    1:i16 code,
    2:string message
}

/** i16 and i32 fields saturate at their limits; the optional i64 fields behind them tell the truth. */
struct ForsunPlan {
    1: required bool is_time_out,
    2: required string key,
    3: required i16 second,
    4: i16 minute = -1,
    5: i16 hour = -1,
    6: i16 day = -1,
    7: i16 month = -1,
    8: i16 week = -1,
    /** Left out, though declared required, when the plan has no next time: the original does so too. */
    9: required i32 next_time,
    10: i16 status = 0,
    11: i16 count = 0,
    12: i16 current_count = 0,
    13: i32 last_timeout = 0,
    14: string action = "shell",
    15: map<string, string> params = {},
    /** Epoch seconds, as the two below. */
    16: optional i64 next_fire_time,
    17: optional i64 last_fire_time,
    18: optional i64 created_time,
    /** Firings under way. */
    19: optional i32 running,
    20: optional i64 fired_count,
    /** In which a calendar or cron plan is read; left out for an interval. */
    21: optional string timezone,
    /** The one in which a plan with all fields from second to month fires. */
    22: optional i32 year,
    /** As count, where that cannot hold it. */
    23: optional i64 total_count,
    /** Firings of due times that have begun and not ended, if there are any: running, parked, or to be tried again. */
    24: optional i32 unfinished,
    /** The due time of the oldest of them. */
    25: optional i64 unfinished_time
}

/** A firing that was given up as failed. Times are epoch seconds. */
struct ForsunFailure {
    1: string key,
    2: string action,
    /** The due time that it was for. */
    3: i64 fire_time,
    4: i32 attempts,
    5: i64 failed_at,
    6: string reason
}

service Forsun{
    i16 ping(),
    ForsunPlan create(1:string key, 2:i16 second, 3:i16 minute = -1, 4:i16 hour = -1, 5:i16 day = -1, 6:i16 month = -1, 7:i16 week = -1, 8:string action="shell", 9:map<string, string> params={}) throws (1:ForsunPlanError err),
    ForsunPlan createTimeout(1:string key, 2:i16 second, 3:i16 minute = -1, 4:i16 hour = -1, 5:i16 day = -1, 6:i16 month = -1, 7:i16 week = -1, 8:i16 count=1, 9:string action="shell", 10:map<string, string> params={}) throws (1:ForsunPlanError err),
    ForsunPlan remove(1:string key) throws (1:ForsunPlanError err),
    ForsunPlan get(1:string key) throws (1:ForsunPlanError err),
    list<ForsunPlan> getCurrent(),
    list<ForsunPlan> getTime(1:i32 timestamp),
    list<string> getKeys(1:string prefix),
    /** Called by the server on a thrift action's target; the server itself refuses it. */
    void forsun_call(1:string key, 2:i32 ts, 3:map<string, string> params),
    map<string, string> info(),
    /** What has failed, of keys that begin with the prefix, newest first; an addition to forsun's methods. */
    list<ForsunFailure> getFailures(1:string prefix, 2:i32 limit = 10000),
    /** From here on the connection's calls are made by whom the token stands for; answers that name. An addition. */
    string auth(1:string token) throws (1:ForsunPlanError err),
    /**
     * Keys that begin with the prefix, literally, in byte order, behind `after`: at most `limit`, and what one reply
     * may list. With none there are no more. An addition.
     */
    list<string> listKeys(1:string prefix, 2:string after = "", 3:i32 limit = 1000) throws (1:ForsunPlanError err),
    /**
     * Puts a plan, as get told of it, on the agenda with due time, zone and counts as given. Replaces what is under its
     * key, or refuses to with 1008. An addition.
     */
    ForsunPlan restore(1:ForsunPlan plan, 2:bool only_if_absent = false) throws (1:ForsunPlanError err)
}
