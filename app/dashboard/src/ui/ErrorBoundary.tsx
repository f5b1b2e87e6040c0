import { Component, type ReactNode } from "react";
import { PageProblem } from "./PageProblem";
import { Problem } from "./Problem";

interface Props {
  /** Whether the children are a whole page. */
  isPage?: boolean;
  children: ReactNode;
}

/** Shows an error of a panel, or of a page, in its place; the rest goes on working. */
export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (this.props.isPage) {
      // A part of the program that could not be loaded is not loaded again without a reload.
      return <PageProblem error={error} onRetry={() => window.location.reload()} />;
    }
    return <Problem error={error} onRetry={() => this.setState({ error: null })} />;
  }
}
