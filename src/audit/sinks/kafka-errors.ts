// What Kafka's error codes mean to a sink. The names are Kafka's.

const names: Readonly<Record<number, string>> = Object.freeze({
  [-1]: 'UNKNOWN_SERVER_ERROR',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  10: 'MESSAGE_TOO_LARGE',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  35: 'UNSUPPORTED_VERSION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  56: 'KAFKA_STORAGE_ERROR',
  59: 'UNKNOWN_PRODUCER_ID',
  87: 'INVALID_RECORD',
});

/** What becomes of a batch, by its code. */
export function meaningOf(code: number): 'taken' | 'refused' | 'new producer' | 'again' {
  // 46: the broker has it from before.
  if (code === 0 || code === 46) return 'taken';
  if (code === 10 || code === 18 || code === 87) return 'refused';
  return code === 45 || code === 47 || code === 59 ? 'new producer' : 'again';
}

/** `Kafka says NAME`. */
export function kafkaFault(code: number): string {
  return `Kafka says ${names[code] ?? `error ${code}`}`;
}
