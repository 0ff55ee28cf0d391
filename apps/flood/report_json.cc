// Every count, histogram and interval as JSON.
#include "flood/json_writer.h"
#include "flood/report.h"

namespace weir::flood {
namespace {

void Write(JsonWriter& json, const LegitCounts& c) {
  json.Open('{').Key("attempts").Number(c.attempts);
  json.Key("first_syn").Number(c.first_syn).Key("answered").Number(c.answered);
  json.Key("within_1s").Number(c.within_1s).Key("late").Number(c.late);
  json.Key("not_begun").Number(c.not_begun).Key("refused").Number(c.refused);
  json.Key("reset").Number(c.reset).Key("timed_out").Number(c.timed_out);
  json.Key("corrupt").Number(c.corrupt).Key("other").Number(c.other).Close('}');
}

void Write(JsonWriter& json, const EstablishedCounts& c) {
  json.Open('{').Key("requests").Number(c.requests).Key("stalled").Number(c.stalled);
  json.Key("answers").Number(c.answers).Key("octets").Number(c.octets);
  json.Key("resets").Number(c.resets).Key("corrupt").Number(c.corrupt).Close('}');
}

void Write(JsonWriter& json, const FloodCounts& c) {
  json.Open('{').Key("frames").Number(c.frames).Key("taken").Number(c.taken);
  json.Key("octets").Number(c.octets).Key("skipped").Number(c.skipped);
  json.Key("syn_acks").Number(c.syn_acks).Key("resets").Number(c.resets);
  json.Key("other_tcp").Number(c.other_tcp).Key("icmp").Number(c.icmp);
  json.Key("neighbour_requests").Number(c.neighbour_requests);
  json.Key("unreadable").Number(c.unreadable).Key("answer_frames").Number(c.answer_frames);
  json.Key("answer_octets").Number(c.answer_octets);
  json.Key("syn_ack_repeats").Number(c.syn_ack_repeats);
  json.Key("syn_acks_sampled").Number(c.syn_acks_sampled).Key("forged").Number(c.forged);
  json.Key("handshakes").Number(c.handshakes).Key("replays").Number(c.replays_taken).Close('}');
}

void Write(JsonWriter& json, const ClientCounts& c) {
  json.Open('{').Key("cycles").Number(c.cycles).Key("busy_cycles").Number(c.busy_cycles);
  json.Key("off_core_ns").Number(c.off_core_ns).Key("stolen_ms").Number(c.stolen_ms);
  json.Key("rx_missed").Number(c.rx_missed).Key("own_refused").Number(c.own_refused).Close('}');
}

// The quantiles in microseconds, and [largest nanoseconds, count] of every bucket.
void Write(JsonWriter& json, const Histogram& histogram) {
  const auto us = [&histogram](double share) {
    return static_cast<double>(histogram.Quantile(share)) / 1000;
  };
  json.Open('{').Key("count").Number(histogram.count());
  json.Key("p50_us").Number(us(0.5)).Key("p90_us").Number(us(0.9)).Key("p99_us").Number(us(0.99));
  json.Key("p999_us").Number(us(0.999)).Key("max_us").Number(us(1));
  json.Key("buckets_ns").Open('[');
  for (const Histogram::Bucket& bucket : histogram.Buckets()) {
    json.Open('[').Number(bucket.upto).Number(bucket.count).Close(']');
  }
  json.Close(']').Close('}');
}

void Write(JsonWriter& json, const std::vector<std::string>& texts) {
  json.Open('[');
  for (const std::string& text : texts) json.Text(text);
  json.Close(']');
}

void Write(JsonWriter& json, const Step& step, const Results& results) {
  json.Line().Open('{').Key("phase").Text(step.phase).Key("rate").Number(step.rate);
  json.Key("percent").Number(step.percent).Key("begin_s").Number(step.begin_s);
  json.Key("seconds").Number(step.seconds);
  Write(json.Key("invalid"), step.invalid);
  json.Key("metrics").Open('{');
  for (const std::string& name : MetricNames()) {
    if (const auto value = MetricOf(name, step, results)) json.Key(name).Number(*value);
  }
  json.Close('}');
  Write(json.Key("legit"), step.legit);
  Write(json.Key("established"), step.established);
  Write(json.Key("flood"), step.flood);
  Write(json.Key("client"), step.client);
  Write(json.Key("connect"), step.connect_ns);
  Write(json.Key("answer"), step.answer_ns);
  Write(json.Key("established_answer"), step.established_ns);
  json.Close('}');
}

void WriteSetting(JsonWriter& json, const Options& options) {
  json.Open('{').Key("target").Text(options.target.ToString());
  json.Key("sources").Text(options.sources.ToString()).Key("device").Text(options.device);
  json.Key("modes").Open('[');
  for (const Mode mode : options.modes) json.Text(InfoOf(mode).name);
  json.Close(']').Key("pulse_on_ms").Number(uint64_t{options.pulse.on_ms});
  json.Key("pulse_off_ms").Number(uint64_t{options.pulse.off_ms});
  json.Key("rate_cap").Number(options.rate_cap).Key("duration_s").Number(options.duration_s);
  json.Key("legit_rate").Number(options.legit_rate).Key("poisson").Bool(options.poisson);
  json.Key("request_size").Number(uint64_t{options.request_size});
  json.Key("deadline_ms").Number(uint64_t{options.deadline_ms});
  json.Key("established").Number(uint64_t{options.established});
  json.Key("established_rate").Number(options.established_rate);
  json.Key("peers").Number(uint64_t{options.peers}).Close('}');
}

void WriteFacts(JsonWriter& json, const RunFacts& facts) {
  json.Open('{').Key("version").Text(facts.version);
  Write(json.Key("command_line"), facts.command_line);
  Write(json.Key("eal_arguments"), facts.eal_arguments);
  json.Key("device").Text(facts.device).Key("processor").Text(facts.processor);
  json.Key("kernel").Text(facts.kernel).Key("dpdk").Text(facts.dpdk);
  json.Key("seed").Text(std::to_string(facts.seed)).Close('}');
}

void WriteIntervals(JsonWriter& json, const Results& results) {
  json.Open('[');
  for (const Interval& interval : results.intervals) {
    json.Line().Open('{').Key("step").Number(uint64_t{interval.step});
    Write(json.Key("legit"), interval.legit);
    json.Key("established_octets").Number(interval.established_octets);
    json.Key("flood_frames").Number(interval.flood_frames);
    json.Key("syn_acks").Number(interval.syn_acks);
    json.Key("resets_of_flows").Number(interval.resets_of_flows).Close('}');
  }
  json.Close(']');
}

}  // namespace

std::string JsonReport(const Options& options, const Results& results,
                       const std::vector<Verdict>& verdicts, const RunFacts& facts) {
  JsonWriter json;
  json.Open('{').Key("schema").Number(uint64_t{1}).Key("program").Text("weir-flood").Line();
  WriteFacts(json.Key("run"), facts);
  WriteSetting(json.Line().Key("setting"), options);
  Write(json.Line().Key("invalid"), results.invalid);
  json.Key("exit_status").Number(static_cast<uint64_t>(ExitStatus(results, verdicts)));
  json.Key("carrier_ceiling").Number(results.carrier_ceiling);
  json.Key("capacity").Number(results.capacity);
  json.Key("capacity_given").Bool(results.capacity_given);
  json.Key("recovery_s").Number(results.recovery_s);
  json.Line().Key("criteria").Open('[');
  for (const Verdict& verdict : verdicts) {
    json.Open('{').Key("criterion").Text(verdict.criterion.ToString());
    json.Key("passed").Bool(verdict.passed).Key("judged").Bool(verdict.judged);
    json.Key("why").Text(verdict.why).Close('}');
  }
  json.Close(']').Line().Key("probes").Open('[');
  for (const Probe& probe : results.probes) {
    json.Open('{').Key("rate").Number(probe.rate).Key("sent").Number(probe.sent);
    json.Key("answers").Number(probe.answers).Close('}');
  }
  json.Close(']').Line().Key("steps").Open('[');
  for (const Step& step : results.steps) Write(json, step, results);
  json.Close(']').Line().Key("interval_s").Number(results.interval_s);
  WriteIntervals(json.Key("intervals"), results);
  json.Close('}');
  return json.text() + "\n";
}

}  // namespace weir::flood
