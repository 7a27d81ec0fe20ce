/** The way to a node for programs that are no plugins: the command line. */

export { type CloudEvent, toCloudEvent } from '../events/cloud-event.ts';
export { type ConnectOptions, connectOperator, type OperatorClient } from './operator.ts';
