// Copies the figures of the other parts into the samples of a scrape.

import type {
  IdentityFigures,
  JournalFigures,
  MetricSources,
  PolicyFigures,
  SharedHistograms,
  ShippingFigures,
  TokenFigures,
} from './figures.ts';
import type { SampleSet } from './sample-set.ts';

export function collectProcess(samples: SampleSet, sources: MetricSources, histograms: SharedHistograms): void {
  collectRuntime(samples, sources);
  const policy = sources.policy();
  if (policy !== null) collectPolicy(samples, policy);
  const journal = sources.journal();
  if (journal !== null) collectJournal(samples, journal, histograms);
  const shipping = sources.shipping();
  if (shipping !== null) collectShipping(samples, shipping);
  const identity = sources.identity();
  if (identity !== null) collectIdentity(samples, identity);
  const tokens = sources.tokens();
  if (tokens !== null) collectTokens(samples, tokens);
  for (const { listener, open, idle, endpoints } of sources.upstreams()) {
    samples.add('postern_upstream_connections_open', { listener }, open);
    samples.add('postern_upstream_connections_idle', { listener }, idle);
    for (const [state, count] of Object.entries(endpoints ?? {})) {
      samples.add('postern_upstream_endpoints', { listener, state }, count);
    }
  }
}

function collectRuntime(samples: SampleSet, sources: MetricSources): void {
  const { version, nodeVersion } = sources.build;
  const runtime = sources.runtime();
  const log = sources.log();
  samples.add('postern_build_info', { version, node_version: nodeVersion }, 1);
  samples.add('postern_ready', {}, Number(runtime.ready));
  samples.add('postern_draining', {}, Number(runtime.draining));
  samples.add('postern_config_loaded_timestamp_seconds', {}, runtime.configLoadedMs / 1000);
  samples.add('postern_config_reloads_total', { result: 'applied' }, runtime.reloadsApplied);
  samples.add('postern_config_reloads_total', { result: 'refused' }, runtime.reloadsRefused);
  samples.add('postern_workers', {}, runtime.workers);
  samples.add('postern_worker_restarts_total', {}, runtime.workerRestarts);
  samples.add('postern_deadlines_pending', {}, runtime.pendingDeadlines);
  samples.add('postern_log_suppressed_total', {}, log.suppressed);
  samples.add('postern_log_dropped_total', {}, log.dropped);
}

function collectPolicy(samples: SampleSet, policy: PolicyFigures): void {
  if (policy.digest !== null) samples.add('postern_policy_info', { digest: policy.digest }, 1);
  if (policy.loadedMs !== null) samples.add('postern_policy_loaded_timestamp_seconds', {}, policy.loadedMs / 1000);
  samples.add('postern_policy_rules', { mode: 'enforce' }, policy.enforcedRules);
  samples.add('postern_policy_rules', { mode: 'shadow' }, policy.shadowRules);
  samples.add('postern_policy_unused_rules', {}, policy.unusedRules);
  for (const level of ['error', 'warning', 'info'] as const) {
    samples.add('postern_policy_lint_findings', { level }, policy.lintFindings[level]);
  }
  samples.add('postern_policy_load_failures_total', {}, policy.loadFailures);
  samples.add('postern_plan_cache_entries', {}, policy.planCache.entries);
  samples.add('postern_plan_cache_hits_total', {}, policy.planCache.hits);
  samples.add('postern_plan_cache_misses_total', {}, policy.planCache.misses);
}

function collectJournal(samples: SampleSet, journal: JournalFigures, histograms: SharedHistograms): void {
  samples.add('postern_journal_records_total', {}, journal.records);
  samples.add('postern_journal_bytes_total', {}, journal.bytes);
  samples.add('postern_journal_write_failures_total', {}, journal.failedBatches);
  samples.add('postern_journal_unwritten_records_total', {}, journal.unwritten);
  samples.add('postern_journal_dropped_records_total', {}, journal.dropped);
  samples.add('postern_journal_stalls_total', {}, journal.stalls);
  samples.add('postern_journal_pooled', {}, Number(journal.pooled));
  samples.addHistogram('postern_journal_write_seconds', {}, histograms.journalWrite);
  samples.add('postern_journal_pending_records', {}, journal.pending);
  samples.add('postern_journal_unsealed_records', {}, journal.unsealed);
  samples.add('postern_journal_retained_bytes', {}, journal.retainedBytes);
  samples.add('postern_journal_sync_failures_total', {}, journal.syncFailures);
  samples.add('postern_stdout_copies_total', {}, journal.copies);
  samples.add('postern_stdout_copies_dropped_total', {}, journal.droppedCopies);
}

function collectShipping(samples: SampleSet, { sinks, restarts }: ShippingFigures): void {
  samples.add('postern_sink_thread_restarts_total', {}, restarts);
  for (const { sink, ...one } of sinks) {
    samples.add('postern_sink_records_total', { sink }, one.records);
    samples.add('postern_sink_bytes_total', { sink }, one.bytes);
    samples.add('postern_sink_retries_total', { sink }, one.retries);
    samples.add('postern_sink_refused_records_total', { sink }, one.refused);
    samples.add('postern_sink_gaps_total', { sink }, one.gaps);
    samples.add('postern_sink_lag_records', { sink }, one.lagRecords);
    samples.add('postern_sink_lag_seconds', { sink }, one.lagMs / 1000);
  }
}

function collectIdentity(samples: SampleSet, identity: IdentityFigures): void {
  const { svid, rotationDueMs, streams } = identity;
  samples.add('postern_identity_waiting', {}, Number(svid === null));
  if (svid !== null) {
    samples.add('postern_identity_svid_not_before_timestamp_seconds', {}, svid.notBeforeMs / 1000);
    samples.add('postern_identity_svid_expiry_timestamp_seconds', {}, svid.notAfterMs / 1000);
    samples.add('postern_identity_last_update_timestamp_seconds', {}, identity.lastUpdateMs / 1000);
  }
  if (rotationDueMs !== null) {
    samples.add('postern_identity_rotation_due_timestamp_seconds', {}, rotationDueMs / 1000);
    samples.add('postern_identity_rotation_lag_seconds', {}, identity.rotationLagMs / 1000);
  }
  samples.add('postern_identity_rotations_total', {}, identity.rotations);
  samples.add('postern_identity_rotations_refused_total', {}, identity.refusedRotations);
  samples.add('postern_revocations', {}, identity.revocations);
  samples.add('postern_revocations_refused_total', {}, identity.refusedRevocations);
  samples.add('postern_registry_rows', {}, identity.registered);
  samples.add('postern_registry_refused_total', {}, identity.refusedRegistries);
  samples.add('postern_identity_bundles', {}, identity.bundles);
  collectFederation(samples, identity);
  for (const { name: stream, isUp, failures } of streams) {
    samples.add('postern_identity_stream_up', { stream }, Number(isUp));
    for (const [reason, count] of failures) {
      samples.add('postern_identity_stream_failures_total', { stream, reason }, count);
    }
  }
}

function collectTokens(samples: SampleSet, { issuers, replays }: TokenFigures): void {
  samples.add('postern_token_replays_total', {}, replays);
  for (const { issuer, keys, lastUpdateMs, failures } of issuers) {
    samples.add('postern_token_keys', { issuer }, keys);
    samples.add('postern_token_keys_last_update_timestamp_seconds', { issuer }, lastUpdateMs / 1000);
    samples.add('postern_token_keys_fetch_failures_total', { issuer }, failures);
  }
}

function collectFederation(samples: SampleSet, { federation, crls, refusedCrls }: IdentityFigures): void {
  for (const { trustDomain: trust_domain, lastSuccessMs, failures } of federation) {
    samples.add('postern_federation_last_success_timestamp_seconds', { trust_domain }, (lastSuccessMs ?? 0) / 1000);
    for (const [reason, count] of failures) {
      samples.add('postern_federation_fetch_failures_total', { trust_domain, reason }, count);
    }
  }
  samples.add('postern_crl_refused_total', {}, refusedCrls);
  if (crls.length === 0) return;
  samples.add(
    'postern_crl_rows',
    {},
    crls.reduce((sum, { size }) => sum + size, 0),
  );
  const nextMs = Math.min(...crls.map(({ nextUpdateMs }) => nextUpdateMs));
  samples.add('postern_crl_next_update_timestamp_seconds', {}, nextMs / 1000);
}
