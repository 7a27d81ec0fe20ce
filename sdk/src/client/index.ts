/** The way to a node for programs that are no plugins: the command line. */
export { connectOperator, type ConnectOptions, type OperatorClient } from './operator.ts';
